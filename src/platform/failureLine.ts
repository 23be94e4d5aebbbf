import type { AppError, ErrorCode, ErrorReferences } from '../domain/errors.js';
import { EXIT } from './exitAsMisuse.js';
import { shellWord } from './shellWord.js';

type Sentence = (references: ErrorReferences) => string;

/** Where the catalogue tells what to do over HTTP: what to do at a shell. */
const AT_A_SHELL: Partial<Record<ErrorCode, Sentence>> = {
  E_UNAUTHENTICATED: ({ role }) =>
    role === 'robot'
      ? "The server does not know the robots' token, or it has expired. Name one with --robot-token or AISLEFLOW_ROBOT_TOKEN."
      : 'The server does not know this token, or it has expired. Name one with --token (`sim run`: --operator-token) or AISLEFLOW_TOKEN.',
  E_UNKNOWN_WAREHOUSE: ({ warehouseId }) =>
    `Warehouse ${warehouseId} is not known. \`aisleflow status\` lists those that are.`,
  E_UNKNOWN_POLICY: ({ policyVersion }) =>
    `Policy version ${policyVersion} is not in the registry. \`aisleflow policy list\` lists those that are.`,
  E_NO_EARLIER_POLICY: ({ policyVersion }) =>
    `No healthy version is older than ${policyVersion}: there is none to roll back to. See \`aisleflow policy list\`, then \`policy activate\`.`,
  E_MODE_INVALID: ({ mode, known }) =>
    `The warehouse is in mode ${mode}, this wants ${known}. \`aisleflow mode ${String(known).split(',')[0]} --warehouse ID\` switches it.`,
  E_QUARANTINE_UNFINISHED: ({ directory }) =>
    `A quarantine of the journal in ${directory} was interrupted. Run \`aisleflow journal quarantine --data ${shellWord(String(directory))}\` to finish it; it loses nothing more.`,
  E_CLOCK_FIXED: ({ warehouseId }) =>
    `Warehouse ${warehouseId} runs on the wall clock. Start its server with \`aisleflow serve --driven-clock\`.`,
};

const MISUSE: readonly ErrorCode[] = [
  'E_USAGE',
  'E_CONFIG',
  'E_WEIGHTS_INVALID',
  'E_PORT_IN_USE',
  'E_DATA_DIRECTORY',
  'E_JOURNAL_FORMAT',
  'E_MAP_INVALID',
  'E_MAP_UNREADABLE',
  'E_ORDERS_INVALID',
];

/** What a shell learns of an error: the command was wrong, or it failed. */
export function exitCodeOf({ code }: AppError): number {
  return MISUSE.includes(code) ? EXIT.misused : EXIT.failed;
}

/** An error of the catalogue as a command prints it: one line that begins with its code. */
export function failureLine(error: AppError): string {
  const { code, references, message } = error;
  return `${code}: ${AT_A_SHELL[code]?.(references) ?? message}`;
}
