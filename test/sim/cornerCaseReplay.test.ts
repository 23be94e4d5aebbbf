import { describe, expect, it } from 'vitest';
import type { CornerCaseDetail } from '../../src/domain/serviceContract.js';
import { replayCornerCase } from '../../sim/cornerCaseReplay.js';
import { gridFromText } from '../../src/warehouse/movingAi.js';

type Robot = CornerCaseDetail['floor']['robots'][number];

const cells = (row: number, columns: readonly number[]): string[] => columns.map((c) => `r${row}c${c}`);
const robot = (path: readonly string[], handlingSeconds = 0): Robot => ({
  ...{ robotType: 'unit', node: path[0]!, path },
  ...{ stopIndexes: [path.length - 1], handlingSeconds: [handlingSeconds] },
});
const standing = (node: string): Robot => ({
  ...{ robotType: 'unit', node, path: [], stopIndexes: [], handlingSeconds: [] },
});

/** A corridor with a bay, and what stands on it. */
function caseOn(map: string, robots: readonly Robot[]) {
  const graph = gridFromText(map);
  const found = {
    mapVersion: graph.mapVersion,
    floor: { robots, closedLanes: [], plannedFlow: [] },
  } as unknown as CornerCaseDetail;
  return { graph, found };
}

describe('the replay of a corner case', () => {
  it('finds no wait on a floor where nobody else is', () => {
    const { graph, found } = caseOn('......', [robot(cells(0, [0, 1, 2, 3, 4, 5]))]);
    expect(replayCornerCase(graph, found, 1)).toEqual({
      ...{ waitSeconds: 0, steps: 5, pushedOff: 0, displaced: 0 },
    });
  });

  it('finds the wait behind a robot that handles goods on the way', () => {
    const way = cells(0, [0, 1, 2, 3, 4]);
    const ahead = { ...robot(way.slice(1), 0), stopIndexes: [1, 3], handlingSeconds: [20, 0] };
    const { graph, found } = caseOn('......', [robot(way.slice(0, 4)), ahead]);
    const { waitSeconds } = replayCornerCase(graph, found, 1);
    expect(waitSeconds).toBeGreaterThan(15);
    expect(waitSeconds).toBeLessThan(25);
  });

  it('counts what is handled at the last node as on the way only where another stop comes after it', () => {
    const way = cells(0, [0, 1, 2, 3, 4]);
    const ahead = { ...robot(way.slice(2), 0), path: cells(0, [2, 3, 4, 5]), stopIndexes: [1, 3] };
    const waits = [[0], [30, 0]].map((handlingSeconds) => {
      const own = { ...robot(way), stopIndexes: handlingSeconds.map(() => 4), handlingSeconds };
      const { graph, found } = caseOn('......', [own, { ...ahead, handlingSeconds: [40, 0] }]);
      return replayCornerCase(graph, found, 1).waitSeconds;
    });
    expect(waits[0]).toBeGreaterThan(30);
    expect(waits[1]).toBe(waits[0]);
  });

  it('lets a robot that is beside its way go to its next stop', () => {
    const off = { ...robot(cells(0, [2, 3, 4, 5])), node: 'r2c3' };
    const map = '......\n......\n......';
    const { graph, found } = caseOn(map, [{ ...off, path: cells(0, [2, 3, 4, 5]) }]);
    expect(replayCornerCase(graph, found, 1)).toMatchObject({ waitSeconds: 0, steps: 4 });
  });

  it('repeats itself, and ends where its robot never arrives', () => {
    const { graph, found } = caseOn('...\n...', [robot(cells(0, [0, 1, 2])), robot(cells(0, [2, 1, 0]))]);
    expect(replayCornerCase(graph, found, 3)).toEqual(replayCornerCase(graph, found, 3));
    const walled = caseOn('...', [robot(cells(0, [0, 1, 2])), standing('r0c1'), standing('r0c2')]);
    expect(replayCornerCase(walled.graph, walled.found, 1).waitSeconds).toBeNull();
  });

  it('moves robots aside that stood on one node', () => {
    const { graph, found } = caseOn('....', [robot(cells(0, [0, 1])), standing('r0c0'), standing('r0c3')]);
    expect(replayCornerCase(graph, found, 1).displaced).toBe(1);
  });

  it('refuses a map of another version', () => {
    const { graph, found } = caseOn('....', [robot(cells(0, [0, 1]))]);
    expect(() => replayCornerCase(graph, { ...found, mapVersion: 'other' }, 1)).toThrow(
      'is not that of the case',
    );
  });
});
