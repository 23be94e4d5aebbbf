import { LIMITS } from '../domain/limits.js';
import type { LaneGraph } from '../warehouse/laneGraph.js';
import { isCellGrid } from './cellGrid.js';

const LETTERS = { station: 'W', pickFace: 'E', floor: '.', nothing: '@' } as const;
const RANK: string = LETTERS.nothing + LETTERS.floor + LETTERS.pickFace + LETTERS.station;
/** Characters are about twice as high as wide. */
const CHARACTER_ASPECT = 2;

export interface MapDrawing {
  readonly rows: readonly string[];
  /** True: a character is a cell. False: it stands for whatever lies within `metresPerColumn`. */
  readonly exact: boolean;
  readonly metresPerColumn: number;
}

/** The map in letters: each cell of a grid that fits, else an overview at most `columns` wide. */
export function drawMap(graph: LaneGraph, columns: number): MapDrawing {
  const left = graph.x.reduce((a, b) => Math.min(a, b), Infinity);
  const top = graph.y.reduce((a, b) => Math.min(a, b), Infinity);
  const width = graph.x.reduce((a, b) => Math.max(a, b), -Infinity) - left;
  const height = graph.y.reduce((a, b) => Math.max(a, b), -Infinity) - top;
  const exact = width < columns && height < LIMITS.drawnRows && isCellGrid(graph);
  const metresPerColumn = exact ? 1 : Math.max(width / (columns - 1), height / CHARACTER_ASPECT / 100, 0.5);
  const metresPerRow = exact ? 1 : metresPerColumn * CHARACTER_ASPECT;
  const cells = Array.from({ length: Math.round(height / metresPerRow) + 1 }, () =>
    new Array<string>(Math.round(width / metresPerColumn) + 1).fill(exact ? LETTERS.nothing : ' '),
  );
  const paint = (x: number, y: number, letter: string): void => {
    const row = cells[Math.round((y - top) / metresPerRow)];
    const column = Math.round((x - left) / metresPerColumn);
    if (row && RANK.indexOf(letter) > RANK.indexOf(row[column] ?? '')) row[column] = letter;
  };
  if (!exact) paintLanes(graph, metresPerColumn, paint);
  for (let node = 0; node < graph.nodeCount; node++) {
    const letter = graph.isStation[node]
      ? LETTERS.station
      : graph.isPickFace[node]
        ? LETTERS.pickFace
        : LETTERS.floor;
    paint(graph.x[node] as number, graph.y[node] as number, letter);
  }
  return { rows: cells.map((row) => row.join('').trimEnd()), exact, metresPerColumn };
}

/** Long lanes show between their nodes too. */
function paintLanes(
  graph: LaneGraph,
  step: number,
  paint: (x: number, y: number, letter: string) => void,
): void {
  for (let lane = 0; lane < graph.laneCount; lane++) {
    const from = graph.laneFrom[lane] as number;
    const to = graph.laneTo[lane] as number;
    const [x, y] = [graph.x[from] as number, graph.y[from] as number];
    const [alongX, alongY] = [(graph.x[to] as number) - x, (graph.y[to] as number) - y];
    const points = Math.ceil(Math.hypot(alongX, alongY) / step);
    for (let i = 1; i < points; i++)
      paint(x + (alongX * i) / points, y + (alongY * i) / points, LETTERS.floor);
  }
}
