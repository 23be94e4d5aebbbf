import { AppError } from '../domain/errors.js';
import { LIMITS } from '../domain/limits.js';
import { gridToFile } from './movingAi.js';
import type { WarehouseFile } from './warehouseFile.js';

/** A grid of equal shelves with floor around them. Counts and widths in cells. */
export interface GridLayout {
  /** How many shelves stand below each other, and beside each other. */
  readonly shelfRows: number;
  readonly shelfColumns: number;
  readonly shelfLength: number;
  readonly shelfDepth: number;
  /** Floor between shelf rows, pick faces included; and between shelf columns. */
  readonly aisleWidth: number;
  readonly crossAisleWidth: number;
  /** Floor between the outermost shelves and the wall. */
  readonly marginRows: number;
  readonly marginColumns: number;
  /** Which sides of a shelf are picked from. */
  readonly facesAbove: boolean;
  readonly facesBelow: boolean;
  readonly facesBeside: boolean;
  /** Edge of the square that is missing at each corner of the hall. */
  readonly cornerCut: number;
  /**
   * `sides`: single cells on the left and right wall; `walls`: on all four; `benches`: a station at both
   * ends of square blocks along all four walls, the right and lower wall being the others turned by 180 degrees.
   */
  readonly stationPattern: (typeof STATION_PATTERNS)[number];
  /** Row of the first station (bench) on the left wall, column of the first on the upper one. */
  readonly stationFirstRow: number;
  readonly stationFirstColumn: number;
  readonly stationSpacing: number;
  readonly benchSize: number;
}

export const STATION_PATTERNS = ['sides', 'walls', 'benches'] as const;

/** The three halls of the published benchmarks (OnlineGGO, Guided-PIBT), as parameters; free to vary. */
export const GRID_LAYOUTS = {
  'kiva-33x36': {
    shelfRows: 8,
    shelfColumns: 3,
    shelfLength: 10,
    shelfDepth: 1,
    aisleWidth: 3,
    crossAisleWidth: 1,
    marginRows: 2,
    marginColumns: 2,
    facesAbove: true,
    facesBelow: true,
    facesBeside: false,
    cornerCut: 0,
    stationPattern: 'sides',
    stationFirstRow: 1,
    stationFirstColumn: 1,
    stationSpacing: 3,
    benchSize: 3,
  },
  'narrow-33x57': {
    shelfRows: 8,
    shelfColumns: 12,
    shelfLength: 3,
    shelfDepth: 2,
    aisleWidth: 1,
    crossAisleWidth: 1,
    marginRows: 5,
    marginColumns: 5,
    facesAbove: true,
    facesBelow: true,
    facesBeside: true,
    cornerCut: 2,
    stationPattern: 'benches',
    stationFirstRow: 4,
    stationFirstColumn: 8,
    stationSpacing: 7,
    benchSize: 3,
  },
  'sortation-33x57': {
    shelfRows: 11,
    shelfColumns: 23,
    shelfLength: 1,
    shelfDepth: 1,
    aisleWidth: 1,
    crossAisleWidth: 1,
    marginRows: 6,
    marginColumns: 6,
    facesAbove: true,
    facesBelow: false,
    facesBeside: true,
    cornerCut: 4,
    stationPattern: 'walls',
    stationFirstRow: 5,
    stationFirstColumn: 5,
    stationSpacing: 2,
    benchSize: 3,
  },
} as const satisfies Record<string, GridLayout>;

type Paint = (row: number, column: number, letter: string) => void;

/** The hall as rows of kiva letters. @throws E_LAYOUT_INVALID where a parameter makes no sense. */
export function generateGrid(layout: GridLayout): string[] {
  const height = extent(layout.shelfRows, layout.shelfDepth, layout.aisleWidth, layout.marginRows);
  const width = extent(layout.shelfColumns, layout.shelfLength, layout.crossAisleWidth, layout.marginColumns);
  checkLayout(layout, height, width);
  const cells = Array.from({ length: height }, () => new Array<string>(width).fill('.'));
  const paint: Paint = (row, column, letter) => {
    const line = cells[row];
    if (line && line[column] !== undefined && line[column] !== '@') line[column] = letter;
  };
  paintShelves(layout, paint);
  paintCorners(layout.cornerCut, height, width, paint);
  if (layout.stationPattern === 'benches') paintBenches(layout, height, width, paint);
  else paintWallStations(layout, height, width, paint);
  return cells.map((row) => row.join(''));
}

/** The hall as a warehouse of one-metre cells. @throws E_LAYOUT_INVALID */
export function generateGridWarehouse(layout: GridLayout, id: string, name?: string): WarehouseFile {
  return gridToFile(generateGrid(layout), { dialect: 'kiva', id, ...(name === undefined ? {} : { name }) });
}

function extent(count: number, size: number, gap: number, margin: number): number {
  return 2 * margin + count * size + (count - 1) * gap;
}

function checkLayout(layout: GridLayout, height: number, width: number): void {
  const refuse = (detail: string): never => {
    throw new AppError('E_LAYOUT_INVALID', { detail });
  };
  for (const [name, value] of Object.entries(layout) as [string, unknown][]) {
    const mayBeZero = /^(cornerCut|stationFirst)/.test(name);
    if (typeof value === 'number' && (!Number.isInteger(value) || value < (mayBeZero ? 0 : 1))) {
      refuse(`${name} is ${value}; a whole number of at least ${mayBeZero ? 0 : 1} is needed`);
    }
  }
  if (!STATION_PATTERNS.includes(layout.stationPattern)) {
    refuse(`stationPattern is ${layout.stationPattern}; known: ${STATION_PATTERNS.join(', ')}`);
  }
  if (height * width > LIMITS.nodesPerWarehouse) {
    refuse(`${height} x ${width} cells; at most ${LIMITS.nodesPerWarehouse} nodes are allowed`);
  }
  if (layout.cornerCut > Math.min(height, width)) {
    refuse(`cornerCut is ${layout.cornerCut}; the hall has ${height} x ${width} cells`);
  }
}

/** Shelves first: what is painted later does not stand on them, so faces fall only on floor. */
function paintShelves(layout: GridLayout, paint: Paint): void {
  const { shelfLength, shelfDepth } = layout;
  const corners: (readonly [number, number])[] = [];
  for (let i = 0; i < layout.shelfRows; i++) {
    for (let j = 0; j < layout.shelfColumns; j++) {
      corners.push([
        layout.marginRows + i * (shelfDepth + layout.aisleWidth),
        layout.marginColumns + j * (shelfLength + layout.crossAisleWidth),
      ]);
    }
  }
  for (const [top, left] of corners) {
    for (let row = 0; row < shelfDepth; row++) {
      for (let column = 0; column < shelfLength; column++) paint(top + row, left + column, '@');
    }
  }
  for (const [top, left] of corners) {
    for (let column = left; column < left + shelfLength; column++) {
      if (layout.facesAbove) paint(top - 1, column, 'E');
      if (layout.facesBelow) paint(top + shelfDepth, column, 'E');
    }
    for (let row = top; row < top + shelfDepth && layout.facesBeside; row++) {
      paint(row, left - 1, 'E');
      paint(row, left + shelfLength, 'E');
    }
  }
}

function paintCorners(cut: number, height: number, width: number, paint: Paint): void {
  for (let row = 0; row < cut; row++) {
    for (let column = 0; column < cut; column++) {
      paint(row, column, '@');
      paint(row, width - 1 - column, '@');
      paint(height - 1 - row, column, '@');
      paint(height - 1 - row, width - 1 - column, '@');
    }
  }
}

function paintWallStations(layout: GridLayout, height: number, width: number, paint: Paint): void {
  const { stationFirstRow, stationFirstColumn, stationSpacing } = layout;
  for (let row = stationFirstRow; row < height - stationFirstRow; row += stationSpacing) {
    paint(row, 0, 'W');
    paint(row, width - 1, 'W');
  }
  if (layout.stationPattern === 'sides') return;
  for (let column = stationFirstColumn; column < width - stationFirstColumn; column += stationSpacing) {
    paint(0, column, 'W');
    paint(height - 1, column, 'W');
  }
}

function paintBenches(layout: GridLayout, height: number, width: number, paint: Paint): void {
  const { benchSize, stationSpacing } = layout;
  const middle = Math.floor(benchSize / 2);
  const both: Paint = (row, column, letter) => {
    paint(row, column, letter);
    paint(height - 1 - row, width - 1 - column, letter);
  };
  /** Benches along one wall; `place` turns (along, off the wall) into a cell. */
  const along = (
    first: number,
    length: number,
    place: (along: number, off: number, letter: string) => void,
  ): void => {
    for (let start = first; start + benchSize < length - benchSize; start += stationSpacing) {
      for (let cell = 0; cell < benchSize * benchSize; cell++)
        place(start + (cell % benchSize), Math.floor(cell / benchSize), '@');
      place(start - 1, middle, 'W');
      place(start + benchSize, middle, 'W');
    }
  };
  along(layout.stationFirstColumn, width, (column, row, letter) => both(row, column, letter));
  along(layout.stationFirstRow, height, (row, column, letter) => both(row, column, letter));
}
