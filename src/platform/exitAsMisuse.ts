import type { CommanderError } from 'commander';

/** For `Command.exitOverride`: commander leaves with 1 where it does not understand; here 1 says that something failed. */
export function exitAsMisuse({ exitCode }: CommanderError): never {
  process.exit(exitCode === 0 ? 0 : 2);
}
