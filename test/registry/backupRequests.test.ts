import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { AppError } from '../../src/domain/errors.js';
import type { BackupManifest } from '../../src/registry/backupManifest.js';
import { answerBackupRequests, requestBackup } from '../../src/registry/backupRequests.js';
import { codeOf } from '../service/support/startService.js';

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'backup-requests-'))));
afterEach(() => rmSync(directory, { recursive: true }));

describe('asking a server for a backup', () => {
  it('gives up when nobody has touched the request for a while', async () => {
    const asked = requestBackup(directory, { id: 'a', to: '/nowhere' });
    const file = join(directory, 'backup-a.request');
    await sleep(50);
    const longAgo = new Date(2020, 1, 1);
    utimesSync(file, longAgo, longAgo);
    await expect(asked).rejects.toMatchObject({ code: 'E_DATA_DIRECTORY' });
    expect(existsSync(file)).toBe(false);
  });

  it('gives up when a server that starts takes the request away unanswered', async () => {
    const asked = requestBackup(directory, { id: 'a', to: '/nowhere' });
    await sleep(50);
    rmSync(join(directory, 'backup-a.request'));
    await expect(asked).rejects.toMatchObject({ code: 'E_DATA_DIRECTORY' });
  });

  it.skipIf(process.getuid?.() !== 0)('is possible for root, whose request the server can read', async () => {
    chownSync(directory, 1234, 1235);
    const asked = requestBackup(directory, { id: 'a', to: '/nowhere' });
    const file = join(directory, 'backup-a.request');
    expect(statSync(file)).toMatchObject({ uid: 1234, gid: 1235 });
    rmSync(file);
    await expect(asked).rejects.toMatchObject({ code: 'E_DATA_DIRECTORY' });
  });

  it('is answered each with its own, one after the other', async () => {
    let underWay = 0;
    const server = answerBackupRequests(directory, async (to) => {
      expect(++underWay).toBe(1);
      await sleep(300);
      underWay--;
      return manifestOf(to);
    });
    onTestFinished(() => server.close());
    const asked = ['a', 'b', 'c'].map((id) => requestBackup(directory, { id, to: `/${id}` }));
    expect(await Promise.all(asked)).toEqual(['/a', '/b', '/c'].map(manifestOf));
    expect(readdirSync(directory)).toEqual([]);
  });

  it('is refused when the server stops, whether it works on it or not', async () => {
    const begun = vi.fn();
    const server = answerBackupRequests(directory, (_to, signal) => {
      begun();
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as AppError));
      });
    });
    // Both may be refused before the first is looked at.
    const asked = ['a', 'b'].map((id) => codeOf(() => requestBackup(directory, { id, to: '/nowhere' })));
    await vi.waitUntil(() => begun.mock.calls.length > 0);
    await server.close();
    expect(await Promise.all(asked)).toEqual(['E_SHUTTING_DOWN', 'E_SHUTTING_DOWN']);
    expect(begun).toHaveBeenCalledTimes(1);
    expect(readdirSync(directory)).toEqual([]);
  });
});

function manifestOf(to: string): BackupManifest {
  return { format: 1, takenAt: 1, journal: { first: 1, last: 1 }, files: { [to]: 'digest' } };
}
