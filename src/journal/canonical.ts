import { createHash } from 'node:crypto';

/**
 * JSON with sorted keys and no undefined fields: equal contents give equal text.
 * @throws RangeError for NaN and infinities, which JSON would turn into null.
 */
export function canonicalJson(value: unknown): string {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new RangeError(`${value} has no JSON`);
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const content = value as Record<string, unknown>;
  const fields = Object.keys(content)
    .filter((key) => content[key] !== undefined)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(content[key])}`);
  return `{${fields.join(',')}}`;
}

/** SHA-256 of the canonical JSON, hexadecimal: whether two messages have the same content. */
export function contentHash(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}
