import { AppError } from '../domain/errors.js';
import type { LaneGraph } from './laneGraph.js';
import type { LaneEntryContent, RobotTypeEntryContent, WarehouseFile } from './warehouseFile.js';
import { compileWarehouse, createWarehouseModel } from './warehouseModel.js';

export type CellKind = 'blocked' | 'free' | 'station' | 'pickFace';

/**
 * What a letter means depends on who drew the grid: `S` is swamp in the MovingAI game maps (Sturtevant
 * 2012), a shelf's pick face in the League of Robot Runners' kit, and nothing in the Kiva-style maps of
 * OnlineGGO and Guided-PIBT, where `E` is the pick face that the kit calls a delivery.
 */
export const DIALECTS = {
  kiva: {
    '@': 'blocked',
    T: 'blocked',
    '.': 'free',
    r: 'free',
    E: 'pickFace',
    e: 'pickFace',
    W: 'station',
    w: 'station',
  },
  lorr: { '@': 'blocked', T: 'blocked', '.': 'free', S: 'pickFace', E: 'station' },
  movingai: { '@': 'blocked', O: 'blocked', T: 'blocked', W: 'blocked', '.': 'free', G: 'free', S: 'free' },
} as const satisfies Record<string, Readonly<Record<string, CellKind>>>;

export type Dialect = keyof typeof DIALECTS;

/** How grids are driven: one cell of one metre a second, turning on the way. */
export const UNIT_ROBOT: RobotTypeEntryContent = { name: 'unit', maximumSpeed: 1, lengthMetres: 1 };

export interface ImportOptions {
  readonly dialect: Dialect;
  readonly id: string;
  readonly mapVersion?: string;
  readonly name?: string;
  /** What errors call the text; a file's name as a rule. */
  readonly source?: string;
}

/** A node's name on a grid: row and column, 0-based. */
export function cellId(row: number, column: number): string {
  return `r${row}c${column}`;
}

/**
 * A grid in MovingAI's `.map` form, or in the JSON form with a `layout` of rows, as a warehouse: each
 * passable cell a node named `r<row>c<column>`, lanes of 1 m at 1 m/s both ways between 4-neighbours.
 * Stations and pick faces are what the dialect marks. @throws E_MAP_UNREADABLE
 */
export function importMovingAi(text: string, options: ImportOptions): WarehouseFile {
  const fail = (detail: string, cause?: unknown): AppError =>
    new AppError('E_MAP_UNREADABLE', { file: options.source ?? options.id, detail }, cause);
  const rows = text.trimStart().startsWith('{') ? layoutRows(text, fail) : mapRows(text, fail);
  return gridToFile(rows, options, fail);
}

/** A drawing without a header, indented as the test that holds it is; marks and connections are not checked. */
export function gridFromText(drawing: string, dialect: Dialect = 'kiva', id = 'grid'): LaneGraph {
  const rows = drawing
    .split('\n')
    .map((row) => row.trim())
    .filter((row) => row !== '');
  return compileWarehouse(createWarehouseModel(gridToFile(rows, { dialect, id })));
}

type Fail = (detail: string, cause?: unknown) => AppError;

function layoutRows(text: string, fail: Fail): string[] {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (cause) {
    throw fail(`it begins like JSON but is not (${(cause as Error).message})`, cause);
  }
  const { layout, n_row, n_col } = content as { layout?: unknown; n_row?: unknown; n_col?: unknown };
  if (!Array.isArray(layout) || !layout.every((row) => typeof row === 'string')) {
    throw fail('its field "layout" is not a list of rows');
  }
  checkSize(
    layout,
    typeof n_row === 'number' ? n_row : layout.length,
    typeof n_col === 'number' ? n_col : null,
    fail,
  );
  return layout;
}

function mapRows(text: string, fail: Fail): string[] {
  const lines = text.split(/\r?\n/);
  const start = lines.findIndex((line) => line.trim() === 'map');
  if (start < 0) throw fail('there is no line "map" before the rows; is it a MovingAI grid?');
  const header = new Map(lines.slice(0, start).map((line) => line.trim().split(/\s+/) as [string, string]));
  const height = Number(header.get('height'));
  const width = Number(header.get('width'));
  if (!(height > 0) || !(width > 0)) throw fail('its header needs "height H" and "width W"');
  const rows = lines.slice(start + 1);
  while (rows.at(-1)?.trim() === '') rows.pop();
  checkSize(rows, height, width, fail);
  return rows;
}

function checkSize(rows: readonly string[], height: number, width: number | null, fail: Fail): void {
  if (rows.length !== height) throw fail(`it has ${rows.length} rows, its header says ${height}`);
  const wanted = width ?? rows[0]?.length ?? 0;
  const ragged = rows.findIndex((row) => row.length !== wanted);
  if (ragged >= 0) throw fail(`row ${ragged} has ${rows[ragged]?.length ?? 0} cells, not ${wanted}`);
}

/** Rows of letters as a warehouse. @throws E_MAP_UNREADABLE for a letter that the dialect does not know. */
export function gridToFile(rows: readonly string[], options: ImportOptions, fail?: Fail): WarehouseFile {
  const letters: Readonly<Record<string, CellKind | undefined>> = DIALECTS[options.dialect];
  const file: WarehouseFile = {
    id: options.id,
    mapVersion: options.mapVersion ?? '1',
    ...(options.name === undefined ? {} : { name: options.name }),
    robotTypes: [{ ...UNIT_ROBOT }],
    laneDefaults: { speedLimit: 1, twoWay: true },
    nodes: [],
    stations: [],
    pickFaces: [],
    lanes: [],
  };
  const kindAt = (row: number, column: number): CellKind => {
    const letter = rows[row]?.[column];
    if (letter === undefined) return 'blocked';
    const kind = Object.hasOwn(letters, letter) ? letters[letter] : undefined;
    if (kind) return kind;
    const detail = `"${letter}" in row ${row}, column ${column} means nothing in dialect ${options.dialect}`;
    throw fail
      ? fail(detail)
      : new AppError('E_MAP_UNREADABLE', { file: options.source ?? options.id, detail });
  };
  const lane = (from: string, to: string): LaneEntryContent => ({ from, to });
  for (let row = 0; row < rows.length; row++) {
    for (let column = 0; column < (rows[row] as string).length; column++) {
      const kind = kindAt(row, column);
      if (kind === 'blocked') continue;
      const id = cellId(row, column);
      file.nodes.push({ id, x: column, y: row });
      if (kind === 'station') file.stations.push(id);
      if (kind === 'pickFace') file.pickFaces.push(id);
      if (kindAt(row, column + 1) !== 'blocked') file.lanes.push(lane(id, cellId(row, column + 1)));
      if (kindAt(row + 1, column) !== 'blocked') file.lanes.push(lane(id, cellId(row + 1, column)));
    }
  }
  return file;
}
