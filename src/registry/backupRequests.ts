import { existsSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError, type ErrorCode, type ErrorReferences, isAppError } from '../domain/errors.js';
import { wallClock } from '../platform/clock.js';
import type { BackupManifest } from './backupManifest.js';

/**
 * How a command asks the server that has a data directory open for a copy of it: by a file in that
 * directory, answered by another. Whoever may write there owns the data anyway, and needs no token.
 */
const REQUEST_FILE = 'backup.request';
const ANSWER_FILE = 'backup.answer';
const POLL_MILLISECONDS = 250;
/** A server touches the request that it works on at each poll; one left alone for so long has nobody. */
const ABANDONED_MILLISECONDS = 15_000;

interface Request {
  readonly id: string;
  readonly to: string;
}
type Answer = { readonly id: string } & (
  { readonly manifest: BackupManifest } | { readonly code: ErrorCode; readonly references: ErrorReferences }
);

/** Answers requests as long as the process lives; what an earlier server left there is forgotten. */
export function answerBackupRequests(
  directory: string,
  backUp: (to: string) => Promise<BackupManifest>,
): void {
  const file = join(directory, REQUEST_FILE);
  rmSync(file, { force: true });
  let busy = false;
  const look = async (): Promise<void> => {
    const request = JSON.parse(readFileSync(file, 'utf8')) as Request;
    const answer = await backUp(request.to).then(
      (manifest): Answer => ({ id: request.id, manifest }),
      (error: unknown): Answer => ({ id: request.id, ...problemOf(error) }),
    );
    replace(join(directory, ANSWER_FILE), JSON.stringify(answer));
  };
  const timer = setInterval(() => {
    if (!existsSync(file)) return;
    if (busy) return touch(file);
    busy = true;
    look()
      // A request that is no JSON: whoever wrote it is told that it is gone.
      .catch(() => undefined)
      .finally(() => {
        rmSync(file, { force: true });
        busy = false;
      });
  }, POLL_MILLISECONDS);
  timer.unref();
}

function touch(file: string): void {
  const now = new Date(wallClock.now());
  utimesSync(file, now, now);
}

function problemOf(error: unknown): { readonly code: ErrorCode; readonly references: ErrorReferences } {
  if (isAppError(error)) return { code: error.code, references: error.references };
  return { code: 'E_INTERNAL', references: { reference: String(error) } };
}

/** Asks the server of a data directory. @throws E_DATA_DIRECTORY none answers, or it ended before it had */
export async function requestBackup(directory: string, request: Request): Promise<BackupManifest> {
  const requestFile = join(directory, REQUEST_FILE);
  replace(requestFile, JSON.stringify(request));
  for (;;) {
    await sleep(POLL_MILLISECONDS);
    // Looked at before the answer: a server takes the request away after it has answered.
    const touchedAt = statSync(requestFile, { throwIfNoEntry: false })?.mtimeMs ?? -Infinity;
    const answer = readAnswer(join(directory, ANSWER_FILE), request.id);
    if (answer !== null) {
      rmSync(join(directory, ANSWER_FILE), { force: true });
      if ('manifest' in answer) return answer.manifest;
      throw new AppError(answer.code, answer.references);
    }
    if (wallClock.now() - touchedAt > ABANDONED_MILLISECONDS) {
      rmSync(requestFile, { force: true });
      throw new AppError('E_DATA_DIRECTORY', { directory, detail: 'its server left the request unanswered' });
    }
  }
}

function readAnswer(file: string, id: string): Answer | null {
  if (!existsSync(file)) return null;
  const answer = JSON.parse(readFileSync(file, 'utf8')) as Answer;
  return answer.id === id ? answer : null;
}

function replace(file: string, text: string): void {
  writeFileSync(`${file}.new`, text, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
