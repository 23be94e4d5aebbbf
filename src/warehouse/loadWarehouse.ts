import { parse } from 'secure-json-parse';
import { AppError } from '../domain/errors.js';
import { LIMITS } from '../domain/limits.js';
import type { LaneGraph } from './laneGraph.js';
import { faultCount, type MapFault } from './mapFault.js';
import { validateWarehouse } from './validateWarehouse.js';
import type { WarehouseFile } from './warehouseFile.js';
import { compileWarehouse, createWarehouseModel, type WarehouseModel } from './warehouseModel.js';

export interface LoadedWarehouse {
  readonly graph: LaneGraph;
  readonly model: WarehouseModel;
  readonly file: WarehouseFile;
}

/** Content as JSON. Nothing is said yet about what it holds. @throws E_MAP_UNREADABLE */
export function readMapText(text: string, source = '(text)'): unknown {
  if (text.length > LIMITS.mapBytes) {
    throw new AppError('E_MAP_UNREADABLE', {
      file: source,
      detail: `it is larger than ${LIMITS.mapBytes} bytes`,
    });
  }
  try {
    return parse(text);
  } catch (cause) {
    throw new AppError(
      'E_MAP_UNREADABLE',
      { file: source, detail: `it is not JSON (${(cause as Error).message})` },
      cause,
    );
  }
}

/**
 * A native map file's text as a checked, compiled warehouse. `source` is what errors call the text.
 * @throws E_MAP_UNREADABLE, E_MAP_INVALID (its cause: a `MapFaults` with all of them)
 */
export function parseWarehouse(text: string, source?: string): LoadedWarehouse {
  const content = readMapText(text, source);
  assertSound(content, source);
  const model = createWarehouseModel(content);
  return { graph: compileWarehouse(model), model, file: content };
}

/** A map file's content, checked and compiled. `source` is what errors call it. @throws E_MAP_INVALID */
export function compileFile(file: WarehouseFile, source?: string): LaneGraph {
  assertSound(file, source);
  return compileWarehouse(createWarehouseModel(file));
}

/** All faults of a refused map, as the cause of its E_MAP_INVALID. */
export class MapFaults extends Error {
  readonly faults: readonly MapFault[];
  constructor(faults: readonly MapFault[]) {
    super(`a map with ${faultCount(faults)}`);
    this.name = 'MapFaults';
    this.faults = faults;
  }
}

function assertSound(content: unknown, source = '(text)'): asserts content is WarehouseFile {
  const faults = validateWarehouse(content);
  const first = faults[0];
  if (!first) return;
  const detail = `${first.code}: ${first.detail} (${first.where})`;
  const references = { file: source, count: faultCount(faults), detail };
  throw new AppError('E_MAP_INVALID', references, new MapFaults(faults));
}
