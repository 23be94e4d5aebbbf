import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { AppError } from '../../src/domain/errors.js';
import { encodeRecord } from '../../src/journal/encoding.js';
import { lockToRead } from '../../src/journal/directoryLock.js';
import { MARK_FILE } from '../../src/journal/segmentFiles.js';
import { openSqliteStore } from '../../src/journal/sqliteStore.js';
import { failureLine } from '../../src/platform/failureLine.js';
import { cancelled, temporaryDirectory } from '../journal/support/records.js';
import { runProgram } from './support/program.js';

it('journal verify says where it could check nothing, and names what retention dropped', async () => {
  const directory = temporaryDirectory();
  const verify = (...options: string[]) => runProgram(['journal', 'verify', '--data', directory, ...options]);
  const store = openSqliteStore(directory);
  const payload = { from: 1, to: 8, bytes: 3 * 2 ** 20, reason: 'age' as const };
  store.commit([
    encodeRecord(cancelled(1)),
    encodeRecord({ at: Date.UTC(2026, 0, 2), warehouseId: '*', kind: 'records.dropped', payload }),
  ]);

  const beside = await verify();
  expect([beside.code, beside.out]).toEqual([0, expect.stringContaining('nothing was checked')]);
  expect(beside.out).toContain('aisleflow backup --to DIR');
  expect(beside.out).not.toContain('sound');

  expect(JSON.parse((await verify('--json')).out)).toMatchObject({ checked: 'nothing', soundRecords: 0 });

  store.close();
  const text = await verify();
  const json = await verify('--json');
  expect(text.out).toContain('Records 1 to 2: 2 read and sound.');
  expect(text.out).toContain(
    'Dropped by retention: records 1 to 8, 3.0 MiB, by age, 2026-01-02T00:00:00.000Z.',
  );
  expect(JSON.parse(json.out)).toMatchObject({ checked: 'all', soundRecords: 2, dropped: [payload] });
}, 60_000);

it('names the data directory in each command that it tells to run', async () => {
  const directory = temporaryDirectory();
  const verify = () => runProgram(['journal', 'verify', '--data', directory]);
  const store = openSqliteStore(directory);
  store.commit([encodeRecord(cancelled(1))]);
  expect((await verify()).out).toContain(`aisleflow backup --to DIR --data ${directory},`);
  store.close();
  writeFileSync(join(directory, MARK_FILE), 'no mark');
  expect((await verify()).out).toContain(`run: aisleflow journal quarantine --data ${directory}\n`);

  const unfinished = new AppError('E_QUARANTINE_UNFINISHED', { directory: "/data/site's" });
  expect(failureLine(unfinished)).toContain(String.raw`--data '/data/site'\''s'`);
}, 60_000);

it('a backup asks no server where it is a check that has the journal open', async () => {
  const directory = temporaryDirectory();
  openSqliteStore(directory).close();
  const check = lockToRead(directory);
  onTestFinished(() => void (typeof check === 'object' && check.release()));
  const backup = await runProgram(['backup', '--to', join(directory, 'backup'), '--data', directory]);
  expect([backup.code, backup.err]).toEqual([2, expect.stringContaining('another command')]);
  expect(backup.err).not.toContain('server');
}, 60_000);
