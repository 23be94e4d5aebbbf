import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { AppError } from '../domain/errors.js';
import { LIMITS } from '../domain/limits.js';
import { fileReason } from '../platform/fileReason.js';
import { readMapText } from '../warehouse/loadWarehouse.js';
import { DIALECTS, importMovingAi, type Dialect } from '../warehouse/movingAi.js';
import { packageFile } from './packageFiles.js';

/** The dialect of that name. @throws E_USAGE */
export function dialectNamed(name: string): Dialect {
  if (Object.hasOwn(DIALECTS, name)) return name as Dialect;
  throw new AppError('E_USAGE', {
    detail: `dialect ${name} is not known; known: ${Object.keys(DIALECTS).join(', ')}`,
  });
}

/** A file's text, which must be UTF-8. @throws E_MAP_UNREADABLE */
export function readMapFile(file: string): string {
  try {
    const { size } = statSync(file);
    if (size > LIMITS.mapBytes) throw new Error(`${size} bytes; at most ${LIMITS.mapBytes} are read`);
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
  } catch (cause) {
    throw new AppError('E_MAP_UNREADABLE', { file, detail: fileReason(cause) }, cause);
  }
}

/** A file where there is one, else a map that comes with the program, by its name. @throws E_MAP_UNREADABLE */
function mapNamed(name: string): string {
  if (existsSync(name) || basename(name) !== name) return name;
  const shipped = packageFile(join('maps', `${name}.json`));
  if (existsSync(shipped)) return shipped;
  const known = readdirSync(packageFile('maps')).map(idFromFile).join(', ');
  const detail = `there is no such file, and the maps that come with the program are ${known}`;
  throw new AppError('E_MAP_UNREADABLE', { file: name, detail });
}

/**
 * What a map file, or a map that comes with the program, holds, not yet checked: the native format, or with a dialect a grid.
 * @throws E_MAP_UNREADABLE, E_USAGE for a grid without a dialect
 */
export function readMapContent(file: string, dialect?: string): unknown {
  const known = dialect === undefined ? undefined : dialectNamed(dialect);
  const text = readMapFile(mapNamed(file));
  if (known) return importMovingAi(text, { dialect: known, id: idFromFile(file), source: file });
  if (/^\s*type\s+\w+\s/.test(text)) throw gridWithoutDialect(file);
  const content = readMapText(text, file);
  if (typeof content === 'object' && content !== null && 'layout' in content) throw gridWithoutDialect(file);
  return content;
}

function gridWithoutDialect(file: string): AppError {
  const known = Object.keys(DIALECTS).join(', ');
  return new AppError('E_USAGE', {
    detail: `${file} is a grid, whose letters need --dialect (${known}): aisleflow map import makes a map of it`,
  });
}

/** A warehouse id made of a file's name. */
export function idFromFile(file: string): string {
  const name = basename(file).replace(/\.[^.]*$/, '');
  return name.replaceAll(/[^A-Za-z0-9_.:+-]+/g, '-').slice(0, LIMITS.idLength) || 'warehouse';
}

/** @throws E_USAGE where the file cannot be written. */
export function writeText(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (cause) {
    throw new AppError('E_USAGE', { detail: `${file} cannot be written (${fileReason(cause)})` }, cause);
  }
}
