import type { Validator } from 'typebox/compile';
import { LIMITS } from '../domain/limits.js';
import { ID_CHARACTERS } from '../domain/messages.js';

/** The part of typebox's validation errors that a sentence needs. */
interface Fault {
  readonly schemaPath: string;
  readonly instancePath: string;
  readonly message: string;
  readonly keyword?: string;
  readonly params?: object;
}

/**
 * What is wrong with a value that a schema refuses. Finding that out costs a hundred times what the refusal did: of a
 * value that holds more than LIMITS.valuesExplained it is not looked for.
 */
export function schemaFaults(validator: Validator, value: unknown): readonly Fault[] {
  if (!holdsMoreThan(LIMITS.valuesExplained, value)) return validator.Errors(value);
  const message = `${longestList(value)}does not fit, and what is wrong is not looked for among more than ${LIMITS.valuesExplained} values`;
  return [{ schemaPath: '', instancePath: '', message }];
}

/** The likeliest reason of all: a list that is too long. */
function longestList(value: unknown): string {
  if (typeof value !== 'object' || value === null) return '';
  const lists = Object.entries(value).filter((entry): entry is [string, unknown[]] =>
    Array.isArray(entry[1]),
  );
  const [name, list] = lists.sort(([, a], [, b]) => b.length - a.length)[0] ?? [];
  return list === undefined ? '' : `(${clip(name!)} has ${list.length} entries) `;
}

function holdsMoreThan(limit: number, value: unknown): boolean {
  const waiting = [value];
  for (let seen = 0; waiting.length > 0; seen++) {
    if (seen + waiting.length > limit) return true;
    const next = waiting.pop();
    if (typeof next !== 'object' || next === null) continue;
    for (const key in next) if (waiting.push((next as Record<string, unknown>)[key]) > limit) return true;
  }
  return false;
}

/** One sentence about a fault of a value: where, and what is wrong. */
export function schemaFault(faults: readonly Fault[]): string {
  const unknown = faults.find(({ schemaPath }) => schemaPath.endsWith('/additionalProperties'))?.instancePath;
  if (unknown !== undefined) {
    const end = unknown.lastIndexOf('/');
    const name = unknown
      .slice(end + 1)
      .replaceAll('~1', '/')
      .replaceAll('~0', '~');
    return `${place(unknown.slice(0, end))} has the unknown field ${JSON.stringify(clip(name))}`;
  }
  // Of a value that may have one of several forms: what it nearly is, it is farthest into.
  const depth = ({ instancePath }: Fault): number => instancePath.split('/').length;
  const deepest = Math.max(...faults.map(depth));
  const fault = faults.find((candidate) => depth(candidate) === deepest);
  return fault === undefined ? 'it does not fit' : `${place(fault.instancePath)} ${wordsOf(fault, faults)}`;
}

/** What the schema wants there, where typebox's words name it in its own terms or not at all. */
function wordsOf({ keyword, instancePath, message }: Fault, faults: readonly Fault[]): string {
  if (keyword === 'pattern') return `may have no other characters than ${ID_CHARACTERS}`;
  if (keyword !== 'const') return message;
  const wanted = faults
    .filter((fault) => fault.keyword === keyword && fault.instancePath === instancePath)
    .map(({ params }) => JSON.stringify((params as { allowedValue: unknown }).allowedValue));
  return `must be ${wanted.join(' or ')}`;
}

function place(instancePath: string): string {
  return instancePath === '' ? 'it' : clip(instancePath);
}

function clip(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}...` : text;
}
