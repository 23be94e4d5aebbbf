import { LIMITS } from '../domain/limits.js';

export type MapFaultCode =
  | 'schema'
  | 'number-invalid'
  | 'limit-exceeded'
  | 'duplicate-node'
  | 'duplicate-robot-type'
  | 'duplicate-mark'
  | 'duplicate-lane'
  | 'unknown-node'
  | 'unknown-robot-type'
  | 'self-lane'
  | 'length-invalid'
  | 'speed-invalid'
  | 'no-robot-types'
  | 'no-stations'
  | 'no-pick-faces'
  | 'not-connected'
  | 'type-useless';

/** One thing that is wrong with a map; `where` is a JSON pointer into the file. */
export interface MapFault {
  readonly code: MapFaultCode;
  readonly detail: string;
  readonly where: string;
}

/** How many there are, for a sentence: of faults of the schema no more are named than the limit says. */
export function faultCount({ length }: readonly MapFault[]): string {
  if (length === 1) return '1 fault';
  return length >= LIMITS.mapFaultsNamed ? `at least ${length} faults` : `${length} faults`;
}
