import {
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError, type ErrorCode, type ErrorReferences, isAppError } from '../domain/errors.js';
import { wallClock } from '../platform/clock.js';
import { giveToOwner } from '../platform/directories.js';
import type { BackupManifest } from './backupManifest.js';

/**
 * How a command asks the server that has a data directory open for a copy of it: by a file of its own in that
 * directory, answered by another. Whoever may write there owns the data anyway, and needs no token.
 */
const FILE_NAME = /^backup-([\w-]+)\.(request|answer)(\.new)?$/;
const POLL_MILLISECONDS = 250;
/** A server touches the requests that wait at each poll; one left alone for so long has nobody. */
const ABANDONED_MILLISECONDS = 15_000;

interface Request {
  readonly id: string;
  readonly to: string;
}
type Answer =
  { readonly manifest: BackupManifest } | { readonly code: ErrorCode; readonly references: ErrorReferences };

export interface BackupRequests {
  /** Ends the backup under way and refuses those that wait, with E_SHUTTING_DOWN. */
  close(): Promise<void>;
}

/**
 * Answers requests, one after the other; what an earlier server left there is forgotten.
 * @param backUp rejects with the signal's reason once it is aborted
 */
export function answerBackupRequests(
  directory: string,
  backUp: (to: string, signal: AbortSignal) => Promise<BackupManifest>,
): BackupRequests {
  for (const name of readdirSync(directory)) {
    if (FILE_NAME.test(name)) rmSync(join(directory, name), { force: true });
  }
  const stop = new AbortController();
  let turn: Promise<void> | null = null;

  async function answer(id: string): Promise<void> {
    const { to } = JSON.parse(readFileSync(fileOf(directory, id, 'request'), 'utf8')) as Request;
    const work = async (): Promise<Answer> => {
      stop.signal.throwIfAborted();
      return { manifest: await backUp(to, stop.signal) };
    };
    replace(fileOf(directory, id, 'answer'), JSON.stringify(await work().catch(problemOf)));
  }
  async function answerAll(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      await answer(id)
        .finally(() => rmSync(fileOf(directory, id, 'request'), { force: true }))
        // A request that is no JSON, or an answer that cannot be written: whoever asked is told that it is gone.
        .catch(() => undefined);
    }
  }
  async function look(): Promise<void> {
    const ids = waitingRequests(directory);
    for (const id of ids) touch(fileOf(directory, id, 'request'));
    turn ??= answerAll(ids).finally(() => (turn = null));
    await turn;
  }
  // A server goes on where the directory cannot be read now; it looks again.
  const timer = setInterval(() => void look().catch(() => undefined), POLL_MILLISECONDS);
  timer.unref();
  return {
    async close() {
      clearInterval(timer);
      stop.abort(new AppError('E_SHUTTING_DOWN'));
      await turn;
      await look().catch(() => undefined);
    },
  };
}

function fileOf(directory: string, id: string, kind: 'request' | 'answer'): string {
  return join(directory, `backup-${id}.${kind}`);
}

/** By their ids. */
function waitingRequests(directory: string): string[] {
  return readdirSync(directory).flatMap((name) => {
    const [, id = '', kind, draft] = FILE_NAME.exec(name) ?? [];
    return kind === 'request' && draft === undefined ? [id] : [];
  });
}

function touch(file: string): void {
  const now = new Date(wallClock.now());
  // Its command may have given up meanwhile.
  if (existsSync(file)) utimesSync(file, now, now);
}

function problemOf(error: unknown): Answer {
  if (isAppError(error)) return { code: error.code, references: error.references };
  return { code: 'E_INTERNAL', references: { reference: String(error) } };
}

/**
 * Asks the server of a data directory; where it is at another backup, after that.
 * @throws E_DATA_DIRECTORY none answers, or it ended before it had
 * @throws E_SHUTTING_DOWN it is stopping
 */
export async function requestBackup(directory: string, { id, to }: Request): Promise<BackupManifest> {
  const requestFile = fileOf(directory, id, 'request');
  const answerFile = fileOf(directory, id, 'answer');
  replace(requestFile, JSON.stringify({ id, to }));
  for (;;) {
    await sleep(POLL_MILLISECONDS);
    // Looked at before the answer: a server takes the request away after it has answered.
    const touchedAt = statSync(requestFile, { throwIfNoEntry: false })?.mtimeMs ?? -Infinity;
    if (existsSync(answerFile)) {
      const answer = JSON.parse(readFileSync(answerFile, 'utf8')) as Answer;
      rmSync(answerFile, { force: true });
      if ('manifest' in answer) return answer.manifest;
      throw new AppError(answer.code, answer.references);
    }
    if (wallClock.now() - touchedAt > ABANDONED_MILLISECONDS) {
      rmSync(requestFile, { force: true });
      const detail =
        'its server left the request unanswered, or it is another command, such as `journal quarantine`, that has it open';
      throw new AppError('E_DATA_DIRECTORY', { directory, detail });
    }
  }
}

function replace(file: string, text: string): void {
  writeFileSync(`${file}.new`, text, { mode: 0o600 });
  giveToOwner(`${file}.new`);
  renameSync(`${file}.new`, file);
}
