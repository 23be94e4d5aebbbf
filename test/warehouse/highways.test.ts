import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/domain/limits.js';
import { againstHighways } from '../../src/warehouse/highways.js';
import { laneBetween, type LaneGraph } from '../../src/warehouse/laneGraph.js';
import { generateWarehouse } from '../../src/warehouse/layouts.js';
import { compileFile } from '../../src/warehouse/loadWarehouse.js';
import { cellId, gridFromText } from '../../src/warehouse/movingAi.js';

const nodeAt = (graph: LaneGraph, row: number, column: number): number =>
  graph.nodeIndexOf.get(cellId(row, column))!;

/** Whether the lane from a cell down (or right) runs against its highway. */
const downIsAgainst = (graph: LaneGraph, row: number, column: number): number =>
  againstHighways(graph)[laneBetween(graph, nodeAt(graph, row, column), nodeAt(graph, row + 1, column))]!;
const rightIsAgainst = (graph: LaneGraph, row: number, column: number): number =>
  againstHighways(graph)[laneBetween(graph, nodeAt(graph, row, column), nodeAt(graph, row, column + 1))]!;

const alternates = (ways: readonly number[]): boolean =>
  ways.every((way, i) => i === 0 || way !== ways[i - 1]);

describe('highways', () => {
  it('give each row and column of an open floor another way than its neighbours', () => {
    const graph = gridFromText('.....\n.....\n.....\n.....');
    expect(alternates([0, 1, 2, 3].map((row) => rightIsAgainst(graph, row, 2)))).toBe(true);
    expect(alternates([0, 1, 2, 3, 4].map((column) => downIsAgainst(graph, 1, column)))).toBe(true);
  });

  it('alternate between aisles however many columns lie between them', () => {
    for (const shelf of ['@', '@@', '@@@']) {
      const aisles = Array.from({ length: 5 }, () => '.').join(shelf);
      const open = '.'.repeat(aisles.length);
      const graph = gridFromText([open, aisles, aisles, aisles, aisles, open].join('\n'));
      const columns = [0, 1, 2, 3, 4].map((aisle) => aisle * (shelf.length + 1));
      expect(alternates(columns.map((column) => downIsAgainst(graph, 2, column)))).toBe(true);
    }
  });

  it('let the rows that face each other longest decide where a ring of them cannot all alternate', () => {
    const graph = gridFromText(`
      .........
      .........
      .@.@.@.@.
      .@.@.@.@.
      .@.@.@.@.
      .@.@.@.@.
      .........
      .........`);
    // Between two aisles lies a stub of one metre, above and below, which would give both the same way.
    expect(alternates([0, 2, 4, 6, 8].map((column) => downIsAgainst(graph, 3, column)))).toBe(true);
  });

  it('keep one way from end to end of a row', () => {
    const graph = gridFromText('......\n.@@.@.\n......');
    const ways = [0, 1, 2, 3, 4].map((column) => rightIsAgainst(graph, 0, column));
    expect(new Set(ways).size).toBe(1);
  });

  it('count exactly one lane of each pair as against, and no one-way lane', () => {
    const graph = compileFile(generateWarehouse('multi-block'));
    const against = againstHighways(graph);
    for (let lane = 0; lane < graph.laneCount; lane++) {
      const reverse = graph.reverseLane[lane]!;
      expect(against[lane]! + (reverse >= 0 ? against[reverse]! : 0)).toBe(reverse >= 0 ? 1 : 0);
    }
  });

  it('are found on a row as long as a warehouse may have nodes', () => {
    const graph = gridFromText('.'.repeat(LIMITS.nodesPerWarehouse));
    const against = againstHighways(graph);
    expect(against.reduce((sum, lane) => sum + lane, 0)).toBe(LIMITS.nodesPerWarehouse - 1);
  });
});
