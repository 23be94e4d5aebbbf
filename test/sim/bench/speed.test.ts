import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { measureJournal } from '../../../sim/speed/journalSpeed.js';
import { measureSearch } from '../../../sim/speed/searchSpeed.js';
import { inspectJournal } from '../../../src/journal/inspection.js';
import { gridFromText } from '../../../src/warehouse/movingAi.js';

describe('the speed of the parts', () => {
  it('times every kind of search as often as told', () => {
    const graph = gridFromText('WE..EE\n.E.E..\nW..EE.');
    const { site, nodes, ...speed } = measureSearch('drawing', graph, 5);
    expect([site, nodes]).toEqual(['drawing', 18]);
    for (const kind of ['oneToAll', 'aStar', 'nba', 'oneGoal', 'sixPicks'] as const)
      expect(speed[kind].count, kind).toBe(5);
  });

  it('times records that are in the journal afterwards', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'aisleflow-speed-'));
    try {
      const speed = await measureJournal(directory, 300);
      expect(speed.recordsPerSecond).toBeGreaterThan(0);
      expect(inspectJournal(directory).soundRecords).toBe(300);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
