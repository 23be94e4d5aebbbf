import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { Type, type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { AppError } from '../domain/errors.js';
import { LIMITS } from '../domain/limits.js';
import type { Clock } from '../platform/clock.js';

/** What a token may do: viewers read, robots drive, operators do everything. */
export const ROLES = ['viewer', 'robot', 'operator'] as const;
export type Role = (typeof ROLES)[number];

const Scope = Type.Union([Type.Literal('*'), Type.Array(Type.String({ minLength: 1, maxLength: 65 }))]);
const TokenRecordField = Type.Object(
  {
    tokenId: Type.String({ minLength: 1, maxLength: LIMITS.idLength }),
    role: Type.Union([Type.Literal('viewer'), Type.Literal('robot'), Type.Literal('operator')]),
    warehouses: Scope,
    robots: Scope,
    sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    createdAt: Type.Integer({ minimum: 0 }),
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
export type TokenGrant = Pick<TokenRecord, 'role' | 'warehouses' | 'robots'>;

/** A token that was just made: the only time that it can be read. */
export interface IssuedToken {
  readonly token: string;
  readonly record: TokenRecord;
}

/** The tokens of one data directory. */
export interface TokenFile {
  records(): readonly TokenRecord[];
  /**
   * On the first start one token of each role; on every later one none. A step of its own, so that
   * tokens that can be read only once are not made by a start that fails.
   */
  issueFirst(): readonly IssuedToken[];
  issue(grant: TokenGrant): IssuedToken;
  /** False where there is no such token. */
  revoke(tokenId: string): boolean;
  /** Reads the file again where it changed on disk; true if it did. @throws E_DATA_DIRECTORY */
  refresh(): boolean;
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

/**
 * Opens `tokens.json` in the data directory, mode 600. Where there is none yet, `issueFirst` makes it.
 * @throws E_DATA_DIRECTORY where it cannot be read, written or understood.
 */
export function openTokenFile(options: { readonly directory: string; readonly clock: Clock }): TokenFile {
  const { directory, clock } = options;
  const file = join(directory, 'tokens.json');
  let records: readonly TokenRecord[] = [];
  let stamp = '';

  const fail = (detail: string, cause?: unknown): never => {
    throw new AppError('E_DATA_DIRECTORY', { directory, detail }, cause);
  };
  const read = (): void => {
    const before = fileStamp(file);
    records = parseTokenFile(readFileSync(file, 'utf8'));
    stamp = before;
  };
  const write = (next: readonly TokenRecord[]): void => {
    if (next.length > LIMITS.tokens) fail(`it holds the limit of ${LIMITS.tokens} tokens; revoke some`);
    writePrivately(file, `${JSON.stringify({ format: 1, tokens: next }, null, 2)}\n`);
    records = next;
    stamp = fileStamp(file);
  };
  const attempt = <T>(action: () => T): T => {
    try {
      return action();
    } catch (error) {
      if (error instanceof AppError) throw error;
      return fail(`tokens.json: ${error instanceof Error ? error.message : String(error)}`, error);
    }
  };
  const issueAll = (grants: readonly TokenGrant[]): IssuedToken[] => {
    const issued = grants.map((grant) => newToken(grant, clock.now()));
    write([...records, ...issued.map(({ record }) => record)]);
    return issued;
  };

  attempt(() => {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    if (fileStamp(file) === '') return;
    // Restored from a backup or copied by hand, it may be readable by others.
    if ((statSync(file).mode & 0o077) !== 0) chmodSync(file, 0o600);
    read();
  });

  return {
    records: () => records,
    issueFirst: () =>
      attempt(() => {
        if (fileStamp(file) !== '') return [];
        return issueAll(ROLES.map((role) => ({ role, warehouses: '*', robots: '*' })));
      }),
    issue: (grant) => attempt(() => issueAll([grant])[0] as IssuedToken),
    revoke: (tokenId) =>
      attempt(() => {
        const kept = records.filter((record) => record.tokenId !== tokenId);
        if (kept.length === records.length) return false;
        write(kept);
        return true;
      }),
    refresh: () =>
      attempt(() => {
        if (fileStamp(file) === stamp) return false;
        read();
        return true;
      }),
  };
}

/** Changes whenever the file is replaced or written; empty where there is none. */
function fileStamp(file: string): string {
  const status = statSync(file, { throwIfNoEntry: false, bigint: true });
  return status === undefined ? '' : `${status.ino}/${status.mtimeNs}/${status.size}`;
}

function parseTokenFile(text: string): readonly TokenRecord[] {
  const content: unknown = JSON.parse(text);
  if (TokenFileContent.Check(content)) return content.tokens;
  const fault = TokenFileContent.Errors(content)[0];
  throw new Error(`${fault?.instancePath ?? ''} ${fault?.message ?? 'is damaged'}`);
}

/** Replaces a file as a whole, readable by its owner only, on disk before it takes the name. */
function writePrivately(file: string, text: string): void {
  const unfinished = `${file}.new`;
  const descriptor = openSync(unfinished, 'w', 0o600);
  try {
    writeSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(unfinished, file);
}
