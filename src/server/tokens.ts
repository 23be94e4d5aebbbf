import { createHash, timingSafeEqual } from 'node:crypto';
import { AppError } from '../domain/errors.js';
import type { Role, TokenRecord } from '../registry/tokenRecords.js';

/** Who is asking: a token's record without its digest. */
export interface Credential {
  readonly tokenId: string;
  readonly role: Role;
  readonly warehouses: '*' | readonly string[];
  readonly robots: '*' | readonly string[];
}

/** Where the server reads tokens; `refresh` is called every few seconds, so that a revoked one ends. */
export interface TokenSource {
  /** Those in force now. */
  records(): readonly TokenRecord[];
  refresh(): void;
}

/** Tokens that live as long as the process. */
export function fixedTokens(records: readonly TokenRecord[]): TokenSource {
  return { records: () => records, refresh: () => undefined };
}

/**
 * Who holds the token of an `Authorization` header, or null. Every record is compared, in constant
 * time, so that the answer's time tells nothing. With `allowBasic` the token may be a Basic password:
 * browsers cannot send a Bearer header when they open a page.
 */
export function authenticate(
  source: TokenSource,
  authorization: string | undefined,
  allowBasic = false,
): Credential | null {
  const token = presentedToken(authorization, allowBasic);
  if (token === null) return null;
  const digest = createHash('sha256').update(token).digest();
  let found: TokenRecord | null = null;
  for (const record of source.records()) {
    if (timingSafeEqual(digest, Buffer.from(record.sha256, 'hex'))) found = record;
  }
  if (found === null) return null;
  const { tokenId, role, warehouses, robots } = found;
  return { tokenId, role, warehouses, robots };
}

function presentedToken(authorization: string | undefined, allowBasic: boolean): string | null {
  const bearer = /^Bearer +([\w.~+/=-]{1,256})$/i.exec(authorization ?? '');
  if (bearer !== null) return bearer[1] ?? null;
  const basic = allowBasic ? /^Basic +([A-Za-z0-9+/=]{1,512})$/i.exec(authorization ?? '') : null;
  if (basic === null) return null;
  const pair = Buffer.from(basic[1] ?? '', 'base64').toString('utf8');
  return pair.slice(pair.indexOf(':') + 1);
}

/** Tells which credentials still hold: not revoked, not expired, and for the same as when they were let in. */
export function credentialsInForce(source: TokenSource): (credential: Credential) => boolean {
  const scopes = new Map(source.records().map((record) => [record.tokenId, scopeOf(record)]));
  return (credential) => scopes.get(credential.tokenId) === scopeOf(credential);
}

function scopeOf({ role, warehouses, robots }: Omit<Credential, 'tokenId'>): string {
  return JSON.stringify([role, warehouses, robots]);
}

/** True where the token reaches the warehouse. */
export function reachesWarehouse(credential: Credential, warehouseId: string): boolean {
  return credential.warehouses === '*' || credential.warehouses.includes(warehouseId);
}

/** True where the token may speak for the robot: operators for all, viewers for none. */
export function speaksFor(credential: Credential, robotId: string): boolean {
  if (credential.role !== 'robot') return credential.role === 'operator';
  if (credential.robots === '*') return true;
  return credential.robots.some((entry) =>
    entry.endsWith('*') ? robotId.startsWith(entry.slice(0, -1)) : entry === robotId,
  );
}

/** @throws E_FORBIDDEN outside the token's roles. */
export function requireRole(credential: Credential, roles: readonly Role[]): void {
  if (roles.includes(credential.role)) return;
  throw new AppError('E_FORBIDDEN', {
    detail: `it is a ${credential.role}'s, and this is for ${roles.join(' or ')}`,
  });
}

/** @throws E_FORBIDDEN outside the token's warehouses. */
export function requireWarehouse(credential: Credential, warehouseId: string): void {
  if (reachesWarehouse(credential, warehouseId)) return;
  throw new AppError('E_FORBIDDEN', { detail: `it does not reach warehouse ${warehouseId}`, warehouseId });
}

/** @throws E_FORBIDDEN for a robot that the token may not speak for. */
export function requireRobot(credential: Credential, robotId: string): void {
  if (speaksFor(credential, robotId)) return;
  throw new AppError('E_FORBIDDEN', { detail: `it may not speak for robot ${robotId}`, robotId });
}
