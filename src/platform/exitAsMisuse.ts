import type { CommanderError } from 'commander';

/** What a shell learns of a command that failed: the machine's fault, or what was asked for. */
export const EXIT = { failed: 1, misused: 2 } as const;

/** For `Command.exitOverride`: commander leaves with 1 where it does not understand; here that says that something failed. */
export function exitAsMisuse({ exitCode }: CommanderError): never {
  process.exit(exitCode === 0 ? 0 : EXIT.misused);
}
