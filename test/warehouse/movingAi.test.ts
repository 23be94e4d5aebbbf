import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/domain/errors.js';
import { laneBetween, turnRadians, type LaneGraph } from '../../src/warehouse/laneGraph.js';
import { compileFile } from '../../src/warehouse/loadWarehouse.js';
import { gridFromText, importMovingAi, type Dialect } from '../../src/warehouse/movingAi.js';

const mapText = (rows: string[], height = rows.length, width = rows[0]?.length ?? 0): string =>
  `type octile\nheight ${height}\nwidth ${width}\nmap\n${rows.join('\n')}\n`;

const codeOf = (action: () => unknown): string => {
  try {
    action();
  } catch (error) {
    if (error instanceof AppError) return error.code;
    throw error;
  }
  return 'nothing thrown';
};

const names = (graph: LaneGraph, nodes: readonly number[]): (string | undefined)[] =>
  nodes.map((node) => graph.nodeIds[node]);

describe('grids', () => {
  it('become nodes for what is not blocked and lanes of 1 m both ways between neighbours', () => {
    const graph = gridFromText(`
      W.E
      .@.
      ...`);
    expect(graph.nodeIds).toEqual(['r0c0', 'r0c1', 'r0c2', 'r1c0', 'r1c2', 'r2c0', 'r2c1', 'r2c2']);
    expect(graph.laneCount).toBe(16);
    expect(names(graph, graph.stations)).toEqual(['r0c0']);
    expect(names(graph, graph.pickFaces)).toEqual(['r0c2']);
    expect([...graph.lengthMetres].every((length) => length === 1)).toBe(true);
    expect([...(graph.freeFlowSeconds[0] ?? [])].every((seconds) => seconds === 1)).toBe(true);
    for (let lane = 0; lane < graph.laneCount; lane++) {
      expect(graph.laneTo[graph.reverseLane[lane] as number]).toBe(graph.laneFrom[lane]);
    }
  });

  it('mean what their dialect says they mean', () => {
    const marks = (dialect: Dialect, rows: string[]) => {
      const file = importMovingAi(mapText(rows), { dialect, id: 'm' });
      return [file.stations, file.pickFaces, file.nodes.length];
    };
    expect(marks('kiva', ['WwEe.@T'])).toEqual([['r0c0', 'r0c1'], ['r0c2', 'r0c3'], 5]);
    expect(marks('lorr', ['ES.@T'])).toEqual([['r0c0'], ['r0c1'], 3]);
    expect(marks('movingai', ['.GS@OTW'])).toEqual([[], [], 3]);
  });

  it('come as JSON with a layout too', () => {
    const text = JSON.stringify({ name: 'x', n_row: 1, n_col: 3, layout: ['w.e'] });
    expect(importMovingAi(text, { dialect: 'kiva', id: 'm' }).nodes).toHaveLength(3);
  });

  it('are refused with a code when header, rows or letters are wrong', () => {
    const broken = [
      'hello',
      mapText(['W.E'], 2),
      mapText(['W.E', 'W.'], 2, 3),
      mapText(['W?E']),
      'type octile\nheight x\nwidth 3\nmap\nW.E\n',
      '{"layout": 3}',
      '{"layout": ["w"',
      '{"layout": ["we"], "n_row": 2}',
      mapText(['W.constructor']),
    ];
    for (const text of broken)
      expect(codeOf(() => importMovingAi(text, { dialect: 'kiva', id: 'm' }))).toBe('E_MAP_UNREADABLE');
  });

  it('that mark nothing, or are cut in two, are not served', () => {
    const load = (rows: string[], dialect: Dialect) =>
      codeOf(() => compileFile(importMovingAi(mapText(rows), { dialect, id: 'm' })));
    expect(load(['...'], 'movingai')).toBe('E_MAP_INVALID');
    expect(load(['WE@E.'], 'kiva')).toBe('E_MAP_INVALID');
    expect(load(['WE.E.'], 'kiva')).toBe('nothing thrown');
  });
});

describe('a compiled warehouse', () => {
  it('groups lanes by start node in the order of their end nodes, and arriving lanes by end node', () => {
    const graph = gridFromText(`
      W..E
      .@..
      ....`);
    for (let node = 0; node < graph.nodeCount; node++) {
      const leaving = range(graph.laneStart, node);
      expect(leaving.every((lane) => graph.laneFrom[lane] === node)).toBe(true);
      const ends = leaving.map((lane) => graph.laneTo[lane] as number);
      expect(ends).toEqual([...ends].sort((a, b) => a - b));
      const arriving = range(graph.inStart, node).map((slot) => graph.inLanes[slot] as number);
      expect(arriving.every((lane) => graph.laneTo[lane] === node)).toBe(true);
      expect(arriving).toHaveLength(leaving.length);
    }
  });

  it('goes straight on where the turn is under 45 degrees, and nowhere else', () => {
    const graph = gridFromText(`
      W.E
      @.@`);
    const at = (id: string) => graph.nodeIndexOf.get(id) as number;
    const lane = (from: string, to: string) => laneBetween(graph, at(from), at(to));
    expect(graph.straightLane[lane('r0c0', 'r0c1')]).toBe(lane('r0c1', 'r0c2'));
    expect(graph.straightLane[lane('r1c1', 'r0c1')]).toBe(-1);
    expect(turnRadians(graph, lane('r0c0', 'r0c1'), lane('r0c1', 'r1c1'))).toBeCloseTo(Math.PI / 2);
    expect(lane('r0c0', 'r0c2')).toBe(-1);
  });
});

function range(start: Int32Array, group: number): number[] {
  const first = start[group] as number;
  return Array.from({ length: (start[group + 1] as number) - first }, (_, i) => first + i);
}
