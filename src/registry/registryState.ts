import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Type, type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { replaceFile } from './atomicFiles.js';
import { isMissing } from './policyFiles.js';
import type { Parsed } from './policyFormat.js';
import { withReserve } from './stateReserve.js';

/** Beside the versions: which one is active, which was last known to be good, and which were found bad and why. */
export const STATE_FILE = 'registry.json';

const StateField = Type.Object({
  active: Type.Union([Type.String(), Type.Null()]),
  /** Null: weights that were never saved. Left out: nobody has said yet. */
  trusted: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  condemned: Type.Record(Type.String(), Type.String()),
});
export type RegistryState = Static<typeof StateField>;
const validator = Compile(StateField);

export const NO_STATE: RegistryState = { active: null, condemned: {} };

export async function readState(directory: string): Promise<Parsed<RegistryState>> {
  try {
    const content: unknown = JSON.parse(await readFile(join(directory, STATE_FILE), 'utf8'));
    if (validator.Check(content)) return { kind: 'valid', value: content };
    return { kind: 'fault', detail: 'it does not fit its schema; no version counts as active' };
  } catch (error) {
    if (isMissing(error)) return { kind: 'valid', value: NO_STATE };
    if (!(error instanceof SyntaxError)) throw error;
    return { kind: 'fault', detail: 'it is no JSON; no version counts as active' };
  }
}

export async function writeState(directory: string, state: RegistryState): Promise<void> {
  const content = JSON.stringify(state, null, 2);
  const write = (): Promise<void> => replaceFile(join(directory, STATE_FILE), content);
  await withReserve(directory, Buffer.byteLength(content), write);
}
