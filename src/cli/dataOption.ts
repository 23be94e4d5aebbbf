import { resolve } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { shellWord } from '../platform/shellWord.js';

/** Of every command that works on the data directory of a server on this machine: flags, description, check, default. */
export const DATA_OPTION = [
  '--data <directory>',
  'data directory of the server',
  // Resolved, it would be the directory that the command happens to run in.
  (text: string): string => {
    if (text === '') throw new InvalidArgumentError('The name of the directory is empty.');
    return text;
  },
  process.env['AISLEFLOW_DATA'] ?? '.data',
] as const;

/** The same option again in a command that one is told to run; nothing where it is not needed. */
export function dataAgain(directory: string): string {
  return resolve(directory) === resolve(DATA_OPTION[3]) ? '' : ` --data ${shellWord(directory)}`;
}
