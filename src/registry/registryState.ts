import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Type, type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { replaceFile } from './atomicFiles.js';
import { isMissing } from './policyFiles.js';
import type { Parsed } from './policyFormat.js';
import { withReserve } from './stateReserve.js';

/** Beside the versions: which one is active, which was last known to be good, and which were found bad and why. */
const STATE_FILE = 'registry.json';
/** The same again, written first: damage to one file must not make a version that was found bad eligible again. */
const COPY_FILE = 'registry.copy.json';

const StateField = Type.Object({
  active: Type.Union([Type.String(), Type.Null()]),
  /** Null: weights that were never saved. Left out: nobody has said yet. */
  trusted: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  condemned: Type.Record(Type.String(), Type.String()),
});
export type RegistryState = Static<typeof StateField>;
const validator = Compile(StateField);

export const NO_STATE: RegistryState = { active: null, condemned: {} };

export interface StateOnDisk {
  /** `NO_STATE` where nothing was written yet, or nothing can be read. */
  readonly state: RegistryState;
  /** What is wrong with the file or, where the copy cannot be read either, with both; null: nothing. */
  readonly fault: { readonly file: string; readonly detail: string; readonly isCopyUsed: boolean } | null;
}

export async function readState(directory: string): Promise<StateOnDisk> {
  const file = STATE_FILE;
  const main = await readFrom(join(directory, file));
  if (main.kind === 'valid' && main.value !== null) return { state: main.value, fault: null };
  const copy = await readFrom(join(directory, COPY_FILE));
  const detail = main.kind === 'fault' ? main.detail : 'it is missing';
  if (copy.kind === 'valid' && copy.value !== null) {
    return { state: copy.value, fault: { file, detail: `${detail}; its copy is used`, isCopyUsed: true } };
  }
  if (main.kind === 'valid' && copy.kind === 'valid') return { state: NO_STATE, fault: null };
  return {
    state: NO_STATE,
    fault: { file, detail: `${detail}; no version counts as active, none as bad`, isCopyUsed: false },
  };
}

/** Null where there is none. */
async function readFrom(file: string): Promise<Parsed<RegistryState | null>> {
  try {
    const content: unknown = JSON.parse(await readFile(file, 'utf8'));
    if (validator.Check(content)) return { kind: 'valid', value: content };
    return { kind: 'fault', detail: 'it does not fit its schema' };
  } catch (error) {
    if (isMissing(error)) return { kind: 'valid', value: null };
    if (!(error instanceof SyntaxError)) throw error;
    return { kind: 'fault', detail: 'it is no JSON' };
  }
}

export async function writeState(directory: string, state: RegistryState): Promise<void> {
  const content = JSON.stringify(state, null, 2);
  // What is refused in between has not happened: the copy counts only where the file cannot be read.
  for (const file of [COPY_FILE, STATE_FILE]) {
    const write = (): Promise<void> => replaceFile(join(directory, file), content);
    await withReserve(directory, Buffer.byteLength(content), write);
  }
}
