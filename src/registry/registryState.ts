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

/** Nothing counts as good until it has proved itself. */
const LOST_STATE: RegistryState = { active: null, trusted: null, condemned: {} };

export interface StateOnDisk {
  /** `NO_STATE` where nothing was written yet, `LOST_STATE` where nothing can be read. */
  readonly state: RegistryState;
  /** What is wrong with the file; null: nothing. */
  readonly fault: { readonly file: string; readonly detail: string } | null;
  /** The two files are to be written anew from what was read of them. */
  readonly isBehind: boolean;
}

export async function readState(directory: string): Promise<StateOnDisk> {
  const file = STATE_FILE;
  const [main, copy] = await Promise.all(
    [STATE_FILE, COPY_FILE].map((name) => readFrom(join(directory, name))),
  );
  const mainState = main!.kind === 'valid' ? main!.value : null;
  const copyState = copy!.kind === 'valid' ? copy!.value : null;
  if (mainState) {
    const isBehind = JSON.stringify(copyState) !== JSON.stringify(mainState);
    return { state: mainState, fault: null, isBehind };
  }
  const detail = main!.kind === 'fault' ? main!.detail : 'it is missing';
  if (copyState)
    return { state: copyState, fault: { file, detail: `${detail}; its copy is used` }, isBehind: true };
  if (main!.kind === 'valid' && copy!.kind === 'valid')
    return { state: NO_STATE, fault: null, isBehind: false };
  const lost = `${detail}, and so is its copy: which versions were found bad is forgotten`;
  return { state: LOST_STATE, fault: { file, detail: lost }, isBehind: false };
}

/** Null where there is none. */
async function readFrom(file: string): Promise<Parsed<RegistryState | null>> {
  try {
    const content: unknown = JSON.parse(await readFile(file, 'utf8'));
    if (validator.Check(content)) return { kind: 'valid', value: content };
    return { kind: 'fault', detail: 'it does not fit its schema' };
  } catch (error) {
    if (isMissing(error)) return { kind: 'valid', value: null };
    return { kind: 'fault', detail: error instanceof SyntaxError ? 'it is no JSON' : String(error) };
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
