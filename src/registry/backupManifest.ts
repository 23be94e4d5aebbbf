import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Type, type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { AppError } from '../domain/errors.js';
import { InstantField } from '../domain/messages.js';
import { parseJson } from '../platform/parseJson.js';

/** Written last into a backup, so that one without it is known to be unfinished. */
export const MANIFEST_FILE = 'backup.json';

const Sequence = Type.Integer({ minimum: 0 });
const ManifestField = Type.Object({
  format: Type.Literal(1),
  takenAt: InstantField,
  journal: Type.Object({ first: Sequence, last: Sequence }),
  files: Type.Record(Type.String(), Type.String(), { minProperties: 1 }),
});
const validator = Compile(ManifestField);

/** `journal`: the records that its copy holds; `files`: SHA-256 by file, relative to the backup. */
export type BackupManifest = Static<typeof ManifestField>;

/** @throws E_DATA_DIRECTORY there is none, or it is damaged */
export async function readManifest(from: string): Promise<BackupManifest> {
  const file = join(from, MANIFEST_FILE);
  if (!existsSync(file))
    throw refusal(from, `it holds no ${MANIFEST_FILE}: no backup, or one that was not finished`);
  const content = parseJson(await readFile(file, 'utf8'));
  if (validator.Check(content)) return content;
  const [fault] = validator.Errors(content);
  const isJson = content !== undefined && fault !== undefined;
  throw refusal(from, `${MANIFEST_FILE} ${isJson ? `${fault.instancePath} ${fault.message}` : 'is no JSON'}`);
}

function refusal(directory: string, detail: string): AppError {
  return new AppError('E_DATA_DIRECTORY', { directory, detail });
}
