import type { CommanderError } from 'commander';

/** What a shell learns of a command that failed: the machine's fault, what was asked for, or Ctrl-C. */
export const EXIT = { failed: 1, misused: 2, interrupted: 130 } as const;

/** For `Command.exitOverride`: commander leaves with 1 where it does not understand; here that says that something failed. */
export function exitAsMisuse({ exitCode }: CommanderError): never {
  process.exit(exitCode === 0 ? 0 : EXIT.misused);
}
