import { isAppError } from '../domain/errors.js';
import { exitCodeOf, failureLine } from '../platform/failureLine.js';

export const FAILURE_HELP =
  '\nExit code: 0 done, 2 wrong use (options, data directory, port, map), 1 any other failure.';

/** An error of the catalogue becomes one line with its code and the exit code, anything else is a defect. */
export function reportFailure(error: unknown): void {
  if (!isAppError(error)) throw error;
  console.error(failureLine(error));
  process.exitCode = exitCodeOf(error);
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
