import { existsSync, mkdtempSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { requestBackup } from '../../src/registry/backupRequests.js';

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'backup-requests-'))));
afterEach(() => rmSync(directory, { recursive: true }));

describe('asking a server for a backup', () => {
  it('gives up when nobody has touched the request for a while', async () => {
    const asked = requestBackup(directory, { id: 'a', to: '/nowhere' });
    const file = join(directory, 'backup.request');
    await sleep(50);
    const longAgo = new Date(2020, 1, 1);
    utimesSync(file, longAgo, longAgo);
    await expect(asked).rejects.toMatchObject({ code: 'E_DATA_DIRECTORY' });
    expect(existsSync(file)).toBe(false);
  });

  it('gives up when a server that starts takes the request away unanswered', async () => {
    const asked = requestBackup(directory, { id: 'a', to: '/nowhere' });
    await sleep(50);
    rmSync(join(directory, 'backup.request'));
    await expect(asked).rejects.toMatchObject({ code: 'E_DATA_DIRECTORY' });
  });
});
