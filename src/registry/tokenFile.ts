import { chmodSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../domain/errors.js';
import { LIMITS } from '../domain/limits.js';
import type { Clock } from '../platform/clock.js';
import { makeDirectory } from '../platform/directories.js';
import { replaceLocked } from './lockedFile.js';
import {
  formatTokenFile,
  newToken,
  parseTokenFile,
  ROLES,
  type IssuedToken,
  type TokenGrant,
  type TokenRecord,
} from './tokenRecords.js';

/** The tokens of one data directory. What changes them begins with what the file holds then. */
export interface TokenFile {
  /** Those that have not expired. */
  records(): readonly TokenRecord[];
  /**
   * On the first start one token of each role; on every later one none. A step of its own, so that
   * tokens that can be read only once are not made by a start that fails.
   */
  issueFirst(): readonly IssuedToken[];
  issue(grant: TokenGrant): IssuedToken;
  /**
   * A new token for the same, and the old one's end: at once, or so long after that whoever holds it can change
   * over. Null where there is no such token.
   */
  rotate(tokenId: string, overlapSeconds: number): IssuedToken | null;
  /** False where there is no such token. */
  revoke(tokenId: string): boolean;
  /** Reads the file again where it changed on disk; true if it did. @throws E_DATA_DIRECTORY */
  refresh(): boolean;
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
  const inForce = (): readonly TokenRecord[] =>
    records.filter(({ expiresAt = Infinity }) => expiresAt > clock.now());
  const read = (): void => {
    const before = fileStamp(file);
    records = before === '' ? [] : parseTokenFile(readFileSync(file, 'utf8'));
    stamp = before;
  };
  const attempt = <T>(action: () => T): T => {
    try {
      return action();
    } catch (error) {
      if (error instanceof AppError) throw error;
      return fail(`tokens.json: ${error instanceof Error ? error.message : String(error)}`, error);
    }
  };
  /** @param make null to change nothing; expired tokens go with the first change after their end */
  const change = (make: (current: readonly TokenRecord[]) => readonly TokenRecord[] | null): void =>
    attempt(() => {
      replaceLocked(file, () => {
        read();
        const next = make(inForce());
        if (next === null) return null;
        if (next.length > LIMITS.tokens) fail(`it holds the limit of ${LIMITS.tokens} tokens; revoke some`);
        return formatTokenFile(next);
      });
      read();
    });

  attempt(() => {
    makeDirectory(directory);
    if (fileStamp(file) === '') return;
    // Restored from a backup or copied by hand, it may be readable by others.
    if ((statSync(file).mode & 0o077) !== 0) chmodSync(file, 0o600);
    read();
  });

  return {
    records: inForce,
    issueFirst() {
      const issued = ROLES.map((role) => newToken({ role, warehouses: '*', robots: '*' }, clock.now()));
      let isFirst = false;
      change(() => {
        isFirst = stamp === '';
        return isFirst ? issued.map(({ record }) => record) : null;
      });
      return isFirst ? issued : [];
    },
    issue(grant) {
      const issued = newToken(grant, clock.now());
      change((current) => [...current, issued.record]);
      return issued;
    },
    rotate(tokenId, overlapSeconds) {
      let issued: IssuedToken | null = null;
      change((current) => {
        const old = current.find((record) => record.tokenId === tokenId);
        if (old === undefined) return null;
        const { role, warehouses, robots, expiresAt } = old;
        // Whoever may rotate a token for a day must not come by one for ever.
        const end = expiresAt === undefined ? {} : { expiresAt };
        const fresh = newToken({ role, warehouses, robots, ...end }, clock.now());
        issued = fresh;
        const overlapEnd = clock.now() + 1000 * overlapSeconds;
        const ending = { ...old, expiresAt: Math.min(expiresAt ?? Infinity, overlapEnd) };
        const kept = current.map((record) => (record === old ? ending : record));
        return [...(overlapSeconds > 0 ? kept : kept.filter((record) => record !== ending)), fresh.record];
      });
      return issued;
    },
    revoke(tokenId) {
      let isThere = false;
      change((current) => {
        const kept = current.filter((record) => record.tokenId !== tokenId);
        isThere = kept.length < current.length;
        return isThere ? kept : null;
      });
      return isThere;
    },
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
