import { createHash, randomBytes } from 'node:crypto';
import { Type, type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { LIMITS } from '../domain/limits.js';

/** What a token may do: viewers read, robots drive, operators do everything. */
export const ROLES = ['viewer', 'robot', 'operator'] as const;
export type Role = (typeof ROLES)[number];

const Scope = Type.Union([Type.Literal('*'), Type.Array(Type.String({ minLength: 1, maxLength: 65 }))]);
const Instant = Type.Integer({ minimum: 0 });
const TokenRecordField = Type.Object(
  {
    tokenId: Type.String({ minLength: 1, maxLength: LIMITS.idLength }),
    role: Type.Union([Type.Literal('viewer'), Type.Literal('robot'), Type.Literal('operator')]),
    warehouses: Scope,
    robots: Scope,
    sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    createdAt: Instant,
    /** From then on it is as if it were not there; left out, it holds until it is revoked. */
    expiresAt: Type.Optional(Instant),
  },
  { additionalProperties: false },
);
const TokenFileContent = Compile(
  Type.Object(
    { format: Type.Literal(1), tokens: Type.Array(TokenRecordField, { maxItems: LIMITS.tokens }) },
    { additionalProperties: false },
  ),
);

/**
 * One token as it is kept: its digest, never itself. `warehouses` and `robots` are `'*'` or a list;
 * a robot entry is an id, or a prefix that ends in `*`.
 */
export type TokenRecord = Static<typeof TokenRecordField>;

/** Whom a new token is for. */
export type TokenGrant = Pick<TokenRecord, 'role' | 'warehouses' | 'robots' | 'expiresAt'>;

/** A token that was just made: the only time that it can be read. */
export interface IssuedToken {
  readonly token: string;
  readonly record: TokenRecord;
}

/** 256 random bits behind a prefix that secret scanners can find. */
export function newToken(grant: TokenGrant, createdAt: number): IssuedToken {
  const token = `aisleflow_${grant.role}_${randomBytes(32).toString('base64url')}`;
  const tokenId = `${grant.role}-${randomBytes(4).toString('hex')}`;
  return { token, record: { tokenId, ...grant, sha256: tokenDigest(token), createdAt } };
}

/** SHA-256 in hexadecimal. No salt or stretching: a token has 256 bits of its own. */
export function tokenDigest(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** @throws Error naming the first fault */
export function parseTokenFile(text: string): readonly TokenRecord[] {
  const content: unknown = JSON.parse(text);
  if (TokenFileContent.Check(content)) return content.tokens;
  const fault = TokenFileContent.Errors(content)[0];
  throw new Error(`${fault?.instancePath ?? ''} ${fault?.message ?? 'is damaged'}`);
}

/** @throws Error naming the first fault: what could not be read again is not written */
export function formatTokenFile(tokens: readonly TokenRecord[]): string {
  const text = `${JSON.stringify({ format: 1, tokens }, null, 2)}\n`;
  parseTokenFile(text);
  return text;
}
