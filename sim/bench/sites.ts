import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { compileFile } from '../../src/warehouse/loadWarehouse.js';
import type { LaneGraph } from '../../src/warehouse/laneGraph.js';
import { generateWarehouse } from '../../src/warehouse/layouts.js';
import type { SimulationShell } from '../simulationShell.js';

/** Sites too large to ship: generated when they are needed. */
const GENERATED = {
  'hall-21k': { layout: 'kiva-33x36', set: { shelfRows: '38', shelfColumns: '16' } },
} as const;

/** Public maps that stay where they were published: read from the directory that holds the data. */
const PUBLISHED = {
  'warehouse-large': { file: 'warehouse-large/warehouse_large.map', dialect: 'lorr' },
} as const;

const has = <Names extends object>(names: Names, name: string): name is Extract<keyof Names, string> =>
  Object.hasOwn(names, name);

/** Why a site cannot be measured here; null where it can. */
export function siteMissing(site: string, dataDirectory: string): string | null {
  if (!has(PUBLISHED, site)) return null;
  const { file } = PUBLISHED[site];
  return existsSync(join(dataDirectory, file)) ? null : `no ${file} in the data directory (--data)`;
}

/** A site of the benchmark by its name, else a map of the program or a file. @throws what the shell throws */
export function loadSite(
  site: string,
  shell: SimulationShell,
  { dataDirectory, dialect }: { readonly dataDirectory: string; readonly dialect?: string | undefined },
): LaneGraph {
  if (has(GENERATED, site)) {
    const { layout, set } = GENERATED[site];
    return compileFile(generateWarehouse(layout, { set, id: site }));
  }
  if (has(PUBLISHED, site)) {
    const published = PUBLISHED[site];
    return shell.loadMap(join(dataDirectory, published.file), published.dialect).graph;
  }
  return shell.loadMap(site, dialect).graph;
}

/** `kiva-33x36@400`: the site and how many robots. */
export function splitCell(cell: string): { readonly site: string; readonly robots: number } {
  const at = cell.lastIndexOf('@');
  return { site: cell.slice(0, Math.max(0, at)), robots: Number(cell.slice(at + 1)) };
}

/** The published lane weights of a cell, null where there are none. */
export function guidanceFile(cell: string, dataDirectory: string): string | null {
  const { site, robots } = splitCell(cell);
  const file = join(dataDirectory, site, `ggo-cma-es-${robots}.json`);
  return existsSync(file) ? file : null;
}
