import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AppError } from '../../src/domain/errors.js';
import {
  generateGrid,
  generateGridWarehouse,
  GRID_LAYOUTS,
  type GridLayout,
} from '../../src/warehouse/layoutGenerator.js';
import { generateWarehouse, LAYOUTS } from '../../src/warehouse/layouts.js';
import { compileFile } from '../../src/warehouse/loadWarehouse.js';
import { importMovingAi } from '../../src/warehouse/movingAi.js';
import { formatWarehouseFile, formatWarehouseSchema } from '../../src/warehouse/warehouseFile.js';

const root = new URL('../../', import.meta.url);
const data = new URL('../shared/data/', root);
const PUBLISHED = {
  'kiva-33x36': 'kiva-33x36/pibt_warehouse_33x36_w_mode.json',
  'narrow-33x57': 'narrow-33x57/warehouse_small_narrow_kiva.map',
  'sortation-33x57': 'sortation-33x57/sortation_small_kiva.map',
} as const;
type GridName = keyof typeof PUBLISHED;
const gridNames = Object.keys(PUBLISHED) as GridName[];

/** A file that ships, with the line ends it was written with. */
const shipped = (path: string): string => readFileSync(new URL(path, root), 'utf8');

describe.each(gridNames)('%s', (name) => {
  const published = new URL(PUBLISHED[name], data);

  describe.skipIf(!existsSync(published))('where the published map is at hand', () => {
    it('is that map, cell by cell', () => {
      const original = importMovingAi(readFileSync(published, 'utf8'), { dialect: 'kiva', id: name });
      expect({ ...original, name: 'any title' }).toEqual({ ...generateWarehouse(name), name: 'any title' });
    });
  });

  it('has the known counts and checksum', () => {
    const rows = generateGrid(GRID_LAYOUTS[name]);
    const letters = (letter: string) => rows.join('').split(letter).length - 1;
    const known = {
      'kiva-33x36': [33, 36, 22, 480, 240, '36accbea'],
      'narrow-33x57': [33, 57, 44, 532, 790, '75cbcd9f'],
      'sortation-33x57': [33, 57, 72, 517, 317, '84e1d055'],
    }[name];
    const checksum = createHash('sha256').update(rows.join('\n')).digest('hex').slice(0, 8);
    expect([rows.length, rows[0]?.length, letters('W'), letters('E'), letters('@'), checksum]).toEqual(known);
  });
});

describe('shipped files', () => {
  it.each(Object.keys(LAYOUTS))('maps/%s.json is what the generator makes', (name) => {
    const text = formatWarehouseFile(generateWarehouse(name));
    expect(shipped(`maps/${name}.json`) === text).toBe(true);
    expect(text.length).toBeLessThan(600_000);
  });

  it('docs/warehouse.schema.json is the schema that files are checked against', () => {
    expect(shipped('docs/warehouse.schema.json')).toBe(formatWarehouseSchema());
  });
});

describe('free variants', () => {
  it('of any size are sound warehouses with every shelf in its place', () => {
    const size = (max: number) => fc.integer({ min: 1, max });
    fc.assert(
      fc.property(
        fc.constantFrom(...gridNames),
        fc.record({
          shelfRows: size(12),
          shelfColumns: size(9),
          shelfLength: size(8),
          shelfDepth: size(3),
          crossAisleWidth: size(3),
        }),
        (name, sizes) => {
          const layout: GridLayout = { ...GRID_LAYOUTS[name], ...sizes };
          const shelfCells = sizes.shelfRows * sizes.shelfColumns * sizes.shelfLength * sizes.shelfDepth;
          const blocked =
            generateGrid({ ...layout, cornerCut: 0, stationPattern: 'sides' })
              .join('')
              .split('@').length - 1;
          expect(blocked).toBe(shelfCells);
          expect(compileFile(generateGridWarehouse(layout, 'variant')).pickFaces.length).toBeGreaterThan(0);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('are written as parameters in text, and served when sound', () => {
    const file = generateWarehouse('kiva-33x36', {
      set: { shelfRows: '4', shelfColumns: '5', stationPattern: 'walls' },
      id: 'wide',
    });
    const graph = compileFile(file);
    expect(graph.warehouseId).toBe('wide');
    expect(graph.pickFaces).toHaveLength(4 * 5 * 10 * 2);
    expect(
      compileFile(generateWarehouse('narrow-33x57', { set: { shelfRows: '12' } })).nodeCount,
    ).toBeGreaterThan(1_091);
    expect(
      compileFile(generateWarehouse('sortation-33x57', { set: { shelfColumns: '40' } })).nodeCount,
    ).toBeGreaterThan(1_564);
  });

  it.each([
    ['kiva-33x36', 'shelfRows', '0'],
    ['kiva-33x36', 'shelfRows', '1.5'],
    ['kiva-33x36', 'shelfRows', 'many'],
    ['kiva-33x36', 'shelfRows', '99999'],
    ['kiva-33x36', 'cornerCut', '34'],
    ['kiva-33x36', 'facesAbove', 'yes'],
    ['kiva-33x36', 'stationPattern', 'circle'],
    ['kiva-33x36', 'wings', '2'],
    ['kiva-33x36', '__proto__', '2'],
    ['multi-block', 'narrowAislesPerBlock', '16'],
    ['multi-block', 'stationsPerBlockColumn', '30'],
    ['multi-block', 'blockRows', '500'],
    ['multi-block', 'roadSpeed', '0'],
    ['multi-block', 'aisleSpeed', '0.001'],
    ['multi-block', 'aislePitchMetres', '1'],
    ['castle', 'shelfRows', '2'],
  ])('are refused with a code: %s with %s=%s', (layout, parameter, value) => {
    try {
      generateWarehouse(layout, { set: { [parameter]: value } });
      expect.unreachable();
    } catch (error) {
      expect((error as AppError).code).toBe('E_LAYOUT_INVALID');
    }
  });
});
