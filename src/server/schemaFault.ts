/** The part of typebox's validation errors that a sentence needs. */
interface Fault {
  readonly keyword: string;
  readonly instancePath: string;
  readonly message: string;
  readonly params: object;
}

/** One sentence about the first fault of a value: where, and what is wrong. */
export function schemaFault(faults: readonly Fault[]): string {
  const unknown = faults.find(({ keyword }) => keyword === 'additionalProperties');
  if (unknown !== undefined) {
    const names = (unknown.params as { additionalProperties?: readonly string[] }).additionalProperties ?? [];
    return `${place(unknown.instancePath)} has the unknown field ${JSON.stringify(clip(names[0] ?? ''))}`;
  }
  const first = faults[0];
  return first === undefined ? 'it does not fit' : `${place(first.instancePath)} ${first.message}`;
}

function place(instancePath: string): string {
  return instancePath === '' ? 'it' : clip(instancePath);
}

function clip(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}...` : text;
}
