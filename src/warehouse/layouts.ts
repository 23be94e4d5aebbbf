import { AppError } from '../domain/errors.js';
import { generateGridWarehouse, GRID_LAYOUTS, STATION_PATTERNS, type GridLayout } from './layoutGenerator.js';
import { generateMultiBlock, MULTI_BLOCK_LAYOUT } from './multiBlockGenerator.js';
import type { MultiBlockLayout } from './multiBlockLayout.js';
import type { WarehouseFile } from './warehouseFile.js';

/** Every layout that can be generated, by name, with the parameters that make the shipped map. */
export const LAYOUTS: Readonly<Record<string, GridLayout | MultiBlockLayout>> = {
  ...GRID_LAYOUTS,
  'multi-block': MULTI_BLOCK_LAYOUT,
};

const TITLES: Readonly<Record<string, string>> = {
  'kiva-33x36': 'Kiva-style hall, stations left and right',
  'narrow-33x57': 'Single-cell aisles round double shelves, benches on all walls',
  'sortation-33x57': 'Sortation floor, chutes picked from around, stations on all walls',
  'multi-block': 'Multi-block site in metres, one-way aisles, shuttles and haulers',
};

export interface GenerateOptions {
  /** Parameters that differ from the named layout's, as text: `{ shelfRows: '12' }`. */
  readonly set?: Readonly<Record<string, string>>;
  /** Else the layout's name, with `-variant` behind it where a parameter differs. */
  readonly id?: string;
}

/** A named layout, or a free variant of it. @throws E_LAYOUT_INVALID for an unknown layout, parameter or value. */
export function generateWarehouse(layoutName: string, { set = {}, id }: GenerateOptions = {}): WarehouseFile {
  const base = Object.hasOwn(LAYOUTS, layoutName) ? LAYOUTS[layoutName] : undefined;
  if (!base) {
    throw new AppError('E_LAYOUT_INVALID', {
      detail: `layout ${layoutName} is not known; known: ${Object.keys(LAYOUTS).join(', ')}`,
    });
  }
  const layout = { ...base };
  for (const [name, text] of Object.entries(set)) setParameter(layout, name, text);
  const changed = Object.keys(set).length > 0;
  const warehouseId = id ?? (changed ? `${layoutName}-variant` : layoutName);
  const title = changed ? `Variant of ${layoutName}` : TITLES[layoutName];
  return 'shelfRows' in layout
    ? generateGridWarehouse(layout, warehouseId, title)
    : generateMultiBlock(layout, warehouseId, title);
}

function setParameter(layout: GridLayout | MultiBlockLayout, name: string, text: string): void {
  const values = layout as unknown as Record<string, number | boolean | string>;
  const before = Object.hasOwn(values, name) ? values[name] : undefined;
  const refuse = (detail: string): never => {
    throw new AppError('E_LAYOUT_INVALID', { detail });
  };
  if (typeof before === 'number') {
    if (text.trim() === '' || !Number.isFinite(Number(text))) refuse(`${name}=${text}: a number is needed`);
    values[name] = Number(text);
  } else if (typeof before === 'boolean') {
    if (text !== 'true' && text !== 'false') refuse(`${name}=${text}: true or false is needed`);
    values[name] = text === 'true';
  } else if (typeof before === 'string') {
    if (!(STATION_PATTERNS as readonly string[]).includes(text)) {
      refuse(`${name}=${text}: one of ${STATION_PATTERNS.join(', ')} is needed`);
    }
    values[name] = text;
  } else {
    refuse(`${name} is no parameter of this layout; it has ${Object.keys(values).join(', ')}`);
  }
}
