import { isAppError, type ErrorCode } from '../domain/errors.js';
import { failureLine } from '../platform/failureLine.js';
import { EXIT } from '../platform/exitAsMisuse.js';

const MISUSE: readonly ErrorCode[] = [
  'E_USAGE',
  'E_CONFIG',
  'E_WEIGHTS_INVALID',
  'E_PORT_IN_USE',
  'E_DATA_DIRECTORY',
  'E_JOURNAL_FORMAT',
  'E_MAP_INVALID',
  'E_MAP_UNREADABLE',
  'E_MAP_EXISTS',
];
export const FAILURE_HELP =
  '\nExit code: 0 done, 2 wrong use (options, data directory, port, map), 1 any other failure.';

/** An error of the catalogue becomes one line with its code and the exit code, anything else is a defect. */
export function reportFailure(error: unknown): void {
  if (!isAppError(error)) throw error;
  console.error(failureLine(error));
  process.exitCode = MISUSE.includes(error.code) ? EXIT.misused : EXIT.failed;
}

/** Runs a command and reports how it failed. */
export function reportingFailure<Arguments extends unknown[]>(action: (...args: Arguments) => Promise<void>) {
  return async (...args: Arguments): Promise<void> => {
    try {
      await action(...args);
    } catch (error) {
      reportFailure(error);
    }
  };
}
