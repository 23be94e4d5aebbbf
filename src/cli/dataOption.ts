import { resolve } from 'node:path';
import { shellWord } from '../platform/shellWord.js';

/** Of every command that works on the data directory of a server on this machine: flags, description, default. */
export const DATA_OPTION = [
  '--data <directory>',
  'data directory of the server',
  process.env['AISLEFLOW_DATA'] ?? '.data',
] as const;

/** The same option again in a command that one is told to run; nothing where it is not needed. */
export function dataAgain(directory: string): string {
  return resolve(directory) === resolve(DATA_OPTION[2]) ? '' : ` --data ${shellWord(directory)}`;
}
