import { describe, expect, it } from 'vitest';
import { contentHash } from '../../src/journal/canonical.js';
import { createMemoryJournal } from '../../src/journal/memoryJournal.js';
import { floatsOfBlob, type JournalRecord } from '../../src/journal/records.js';
import { createInlineLearner, type LearnerPort } from '../../src/learning/learnerPort.js';
import { ROW_BLOCKING, ROW_BLOCKING_KNOWN, ROW_SIZE } from '../../src/learning/row.js';
import { createRandom } from '../../src/platform/random.js';
import { selectBackend } from '../../src/policy/backend.js';
import { cell, report, SITE, startService, traceAlong } from './support/startService.js';

/** Rows by their numbers, in the order in which they came, with the labels that they have now. */
function createTrainingSet() {
  const rows = new Map<number, number[]>();
  return {
    offer(firstRow: number, values: Float32Array) {
      for (let i = 0; i * ROW_SIZE < values.length; i++) {
        rows.set(firstRow + i, [...values.subarray(i * ROW_SIZE, (i + 1) * ROW_SIZE)]);
      }
    },
    correct(row: number, blockingSeconds: number) {
      const values = rows.get(row);
      if (values === undefined) return;
      values[ROW_BLOCKING] = blockingSeconds;
      values[ROW_BLOCKING_KNOWN] = 1;
    },
    size: () => rows.size,
    hash: () => contentHash([...rows]),
  };
}

function rebuilt(records: readonly JournalRecord[]) {
  const set = createTrainingSet();
  let corrections = 0;
  for (const record of records) {
    if (record.kind === 'route.completed' && record.payload.scored.learnt) {
      set.offer(record.payload.firstRow, floatsOfBlob(record.blob));
    } else if (record.kind === 'rows.corrected') {
      record.payload.rows.forEach((row, i) => set.correct(row, record.payload.blockingSeconds[i] as number));
      corrections += record.payload.rows.length;
    }
  }
  return { set, corrections };
}

describe('the training set', () => {
  it('rebuilt from the journal is the one that the learner was given, late labels and restarts included', async () => {
    const journal = createMemoryJournal();
    const live = createTrainingSet();
    const { tf } = await selectBackend({ force: 'cpu' });
    const startLearner = async (weights: Float32Array): Promise<LearnerPort> => {
      const port = createInlineLearner({ tf, backend: 'cpu', random: createRandom(1), weights });
      return {
        ...port,
        offer(batch) {
          live.offer(batch.firstRow, batch.rows);
          port.offer(batch);
        },
        correct(correction) {
          live.correct(correction.row, correction.blockingSeconds);
          port.correct(correction);
        },
      };
    };
    let requests = 0;
    let at = 1_000_000;
    for (let life = 0; life < 3; life++) {
      const kept = { ...journal, close: () => Promise.resolve() };
      const test = await startService({ journal: kept, startLearner, mode: 'learn', at });
      for (let round = 0; round < 4; round++) {
        // Two robots in each other's way: the one behind waits, and its wait is the other's blocking.
        const [first, second] = await Promise.all(
          [
            ['a', '00'],
            ['b', '00'],
          ].map(([robotId = '', from = '']) =>
            test.service.requestRoute(SITE, {
              ...{ requestId: `q${++requests}`, robotId, from: cell(from), stops: [cell('04')] },
            }),
          ),
        );
        const startedAt = test.now();
        await test.pass(20);
        const slow = traceAlong(first!.nodes, startedAt, [1, 5, 1, 1]);
        const behind = traceAlong(second!.nodes, startedAt + 1_000, [1, 5, 1, 1]);
        await test.service.completeRoute(SITE, report(first!, slow));
        await test.service.completeRoute(SITE, report(second!, behind));
        await test.pass(40);
      }
      at = test.now();
      await test.service.close();
    }
    const records: JournalRecord[] = [];
    for await (const record of journal.read()) records.push(record);
    const { set, corrections } = rebuilt(records);
    expect(live.size()).toBeGreaterThan(50);
    expect(corrections).toBeGreaterThan(10);
    expect([set.size(), set.hash()]).toEqual([live.size(), live.hash()]);
  });
});
