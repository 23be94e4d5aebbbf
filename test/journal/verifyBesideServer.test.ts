import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { writeCheckpoint } from '../../src/journal/checkpointFile.js';
import { encodeRecord } from '../../src/journal/encoding.js';
import { isSound } from '../../src/journal/inspection.js';
import { LOCK_FILE, segmentFile } from '../../src/journal/segmentFiles.js';
import { openSqliteStore } from '../../src/journal/sqliteStore.js';
import { verifyJournal } from '../../src/journal/verification.js';
import { compiledProgram } from '../support/compiled.js';
import { cancelled, temporaryDirectory } from './support/records.js';

const MILLISECONDS = 3_000;

describe('a journal that is verified', () => {
  it('beside a server that writes, begins segments and drops them shows no damage, and does none', async () => {
    const directory = temporaryDirectory();
    const program = join(compiledProgram(), 'test', 'journal', 'fixtures', 'segmentWriter.js');
    const writer = spawn(process.execPath, [program, directory], { stdio: ['ignore', 'pipe', 'pipe'] });
    onTestFinished(() => void writer.kill('SIGKILL'));
    let said = '';
    writer.stderr.on('data', (part: Buffer) => (said += part.toString()));
    await once(writer.stdout, 'data');
    const first = new Set<number>();
    for (const end = Date.now() + MILLISECONDS; Date.now() < end && writer.exitCode === null;) {
      const report = verifyJournal(directory);
      expect([report, isSound(report)]).toEqual([report, true]);
      expect(report.servedFrom).not.toBeNull();
      first.add(report.first);
      await setTimeout(0);
    }
    writer.kill('SIGTERM');
    if (writer.exitCode === null) await once(writer, 'close');
    expect([writer.exitCode, said]).toEqual([0, '']);
    const whole = verifyJournal(directory);
    expect([isSound(whole), whole.servedFrom]).toEqual([true, null]);
    expect(first.size).toBeGreaterThan(10);
  }, 60_000);

  const sizes = { segmentRecords: 3, segmentBytes: Infinity, journalReserveBytes: 0 };
  const served = (records: number) => {
    const directory = temporaryDirectory();
    const store = openSqliteStore(directory, sizes);
    for (let number = 1; number <= records; number++) store.commit([encodeRecord(cancelled(number))]);
    return { directory, store };
  };

  it('beside a server shows the damage that there is', () => {
    const { directory, store } = served(10);
    onTestFinished(() => store.close());
    expect(verifyJournal(directory)).toMatchObject({ soundRecords: 9, damaged: [], servedFrom: 10 });
    rmSync(segmentFile(directory, 4).file);
    truncateSync(segmentFile(directory, 7).file, 5_000);
    const { soundRecords, damaged, structure } = verifyJournal(directory);
    expect([soundRecords, structure.length]).toEqual([3, 1]);
    expect(damaged.map(({ from, to }) => [from, to])).toEqual([
      [4, 6],
      [7, 9],
    ]);
  });

  it('beside a server leaves out a segment that is not sealed yet', () => {
    const { directory, store } = served(10);
    onTestFinished(() => store.close());
    writeFileSync(`${segmentFile(directory, 4).file}-wal`, '');
    expect(verifyJournal(directory)).toMatchObject({ soundRecords: 3, damaged: [], servedFrom: 4 });
  });

  it.each([
    [7, 6],
    [13, 0],
  ])(
    'beside a server counts what retention drops meanwhile, before %i, for nothing',
    async (first, soundRecords) => {
      const { directory, store } = served(13);
      onTestFinished(() => store.close());
      await writeCheckpoint(directory, 13, []);
      const report = verifyJournal(directory, (sequence) => {
        if (sequence === 2) store.dropBefore(first);
      });
      expect(report).toMatchObject({ first, soundRecords, damaged: [], structure: [], servedFrom: 13 });
    },
  );

  it('keeps a server from starting until all of it is read', () => {
    const { directory, store } = served(4);
    store.close();
    const start = () => openSqliteStore(directory, sizes).close();
    verifyJournal(directory, () => expect(start).toThrow('has it open'));
    start();
  });

  it('is not verified twice at a time, and the second check takes the first for no server', () => {
    const { directory, store } = served(4);
    store.close();
    const again = () => verifyJournal(directory);
    verifyJournal(directory, () => expect(again).toThrow('another check of it is under way'));
    expect(again()).toMatchObject({ soundRecords: 4, servedFrom: null });
  });

  it('is read as a whole where its directory cannot be written', () => {
    const { directory, store } = served(4);
    store.close();
    writeFileSync(join(directory, LOCK_FILE), 'cannot be locked'.repeat(100));
    expect(verifyJournal(directory)).toMatchObject({ soundRecords: 4, servedFrom: null });
  });
});
