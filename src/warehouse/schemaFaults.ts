import { Compile } from 'typebox/compile';
import { Settings } from 'typebox/system';
import { LIMITS } from '../domain/limits.js';
import type { MapFault } from './mapFault.js';
import { WarehouseFileSchema, type WarehouseFile } from './warehouseFile.js';

const validator = Compile(WarehouseFileSchema);
type SchemaError = ReturnType<typeof validator.Errors>[number];

/** Where content leaves the schema. `shape` is the content if the graph can still be read from it, else null. */
export function schemaFaults(content: unknown): { faults: MapFault[]; shape: WarehouseFile | null } {
  if (validator.Check(content)) return { faults: [], shape: content };
  const errors = allErrors(content).filter((error) => error.keyword !== 'boolean');
  const named = errors.slice(0, LIMITS.mapFaultsNamed);
  const faults = named.map((error) => toFault(error, valueAt(content, error.instancePath)));
  const readable = errors.every(
    (error) => isNumberError(error, valueAt(content, error.instancePath)) || isSizeError(error),
  );
  return { faults, shape: readable ? (content as WarehouseFile) : null };
}

/**
 * TypeBox stops at 8 errors unless its global setting says otherwise; put back for those who share it. Of an extra field it
 * has two, of which one is left out.
 */
function allErrors(content: unknown): SchemaError[] {
  const before = Settings.Get().maxErrors;
  Settings.Set({ maxErrors: 2 * LIMITS.mapFaultsNamed });
  try {
    return validator.Errors(content);
  } finally {
    Settings.Set({ maxErrors: before });
  }
}

/** A number out of its range, or not finite (JSON's 1e999): wrong, yet the graph around it can be checked. */
function isNumberError(error: SchemaError, value: unknown): value is number {
  if (typeof value !== 'number') return false;
  if (error.keyword === 'type') return (error.params as { type: unknown }).type === 'number';
  return ['minimum', 'maximum', 'exclusiveMinimum'].includes(error.keyword);
}

function isSizeError(error: SchemaError): boolean {
  return error.keyword === 'maxItems';
}

function toFault(error: SchemaError, value: unknown): MapFault {
  const where = error.instancePath === '' ? '/' : error.instancePath;
  if (isSizeError(error)) {
    const { limit } = error.params as { limit: number };
    return {
      code: 'limit-exceeded',
      detail: `${(value as unknown[]).length} entries; at most ${limit} are allowed`,
      where,
    };
  }
  if (!isNumberError(error, value))
    return { code: 'schema', detail: error.message + extraFields(error), where };
  const detail = `${String(value)} ${Number.isFinite(value) ? error.message : 'is not a finite number'}`;
  if (/^\/lanes\/\d+\/lengthMetres$/.test(where)) return { code: 'length-invalid', detail, where };
  if (/\/(speedLimit|maximumSpeed)$/.test(where)) return { code: 'speed-invalid', detail, where };
  return { code: 'number-invalid', detail, where };
}

function extraFields(error: SchemaError): string {
  return error.keyword === 'additionalProperties' ? `: ${error.params.additionalProperties.join(', ')}` : '';
}

function valueAt(content: unknown, pointer: string): unknown {
  let value = content;
  for (const key of pointer.split('/').slice(1)) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string, unknown>)[key.replaceAll('~1', '/').replaceAll('~0', '~')];
  }
  return value;
}
