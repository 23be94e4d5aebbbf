/** The part of typebox's validation errors that a sentence needs. */
interface Fault {
  readonly keyword: string;
  readonly instancePath: string;
  readonly message: string;
  readonly params: object;
}

/** One sentence about a fault of a value: where, and what is wrong. */
export function schemaFault(faults: readonly Fault[]): string {
  const unknown = faults.find(({ keyword }) => keyword === 'additionalProperties');
  if (unknown !== undefined) {
    const names = (unknown.params as { additionalProperties?: readonly string[] }).additionalProperties ?? [];
    return `${place(unknown.instancePath)} has the unknown field ${JSON.stringify(clip(names[0] ?? ''))}`;
  }
  // Of a value that may have one of several forms: what it nearly is, it is farthest into.
  const depth = ({ instancePath }: Fault): number => instancePath.split('/').length;
  const deepest = Math.max(...faults.map(depth));
  const fault = faults.find((candidate) => depth(candidate) === deepest);
  return fault === undefined ? 'it does not fit' : `${place(fault.instancePath)} ${fault.message}`;
}

function place(instancePath: string): string {
  return instancePath === '' ? 'it' : clip(instancePath);
}

function clip(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}...` : text;
}
