import Table from 'cli-table3';
import { InvalidArgumentError, type Command } from 'commander';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { AppError } from '../domain/errors.js';
import { wallClock } from '../platform/clock.js';
import { openTokenFile, ROLES, type Role, type TokenFile, type TokenRecord } from '../registry/tokenFile.js';
import { FAILURE_HELP, reportingFailure } from './failure.js';

interface AddOptions {
  readonly data: string;
  readonly role: Role;
  readonly warehouses?: readonly string[];
  readonly robots?: readonly string[];
  readonly json?: true;
}

const EXAMPLES = `${FAILURE_HELP}

A running server takes the change up within seconds.

Examples:
  aisleflow token list
  aisleflow token add --role robot --warehouses north --robots 'amr-*' lift-1
  aisleflow token revoke robot-1f0c22ab`;

/** Adds `token add|list|revoke`, which work on the data directory of a server on this machine. */
export function addTokenCommands(program: Command): void {
  const token = program
    .command('token')
    .description('make, list and revoke tokens')
    .addHelpText('after', EXAMPLES);
  const data = [
    '--data <directory>',
    'data directory of the server',
    process.env['AISLEFLOW_DATA'] ?? '.data',
  ] as const;
  token
    .command('add')
    .description('make a token and print it, once')
    .requiredOption('--role <role>', ROLES.join(', '), roleNamed)
    .option('--warehouses <ids...>', 'warehouses that it reaches (default: all)')
    .option('--robots <ids...>', 'robots that it may speak for; a trailing * takes a prefix (default: all)')
    .option(...data)
    .option('--json', 'print {token, tokenId, role, warehouses, robots}')
    .action(reportingFailure(async (options: AddOptions) => add(options)));
  token
    .command('list')
    .description('list tokens, without themselves')
    .option(...data)
    .option('--json', 'print a list of {tokenId, role, warehouses, robots, createdAt}')
    .action(reportingFailure(async (options: { data: string; json?: true }) => list(options)));
  token
    .command('revoke')
    .description('end a token and the connections that were opened with it')
    .argument('<tokenId>')
    .option(...data)
    .action(
      reportingFailure(async (tokenId: string, options: { data: string }) => {
        if (!open(options.data).revoke(tokenId)) {
          throw new AppError('E_USAGE', {
            detail: `there is no token ${tokenId}; aisleflow token list names them`,
          });
        }
        console.log(`${tokenId} is revoked.`);
      }),
    );
}

function add({ data, role, warehouses, robots, json }: AddOptions): void {
  const { token, record } = open(data).issue({
    role,
    warehouses: warehouses === undefined ? '*' : [...warehouses],
    robots: robots === undefined ? '*' : [...robots],
  });
  console.log(
    json === true
      ? JSON.stringify({ token, ...shown(record) })
      : `${token}\n${record.tokenId}: shown only now.`,
  );
}

function list({ data, json }: { data: string; json?: true }): void {
  const records = open(data).records();
  if (json === true) return console.log(JSON.stringify(records.map(shown)));
  const table = new Table({
    head: ['Token', 'Role', 'Warehouses', 'Robots', 'Made'],
    style: { head: [], border: [] },
  });
  const names = (scope: TokenRecord['warehouses']): string => (scope === '*' ? 'all' : scope.join(', '));
  for (const { tokenId, role, warehouses, robots, createdAt } of records) {
    table.push([tokenId, role, names(warehouses), names(robots), new Date(createdAt).toISOString()]);
  }
  console.log(table.toString());
}

function shown({ tokenId, role, warehouses, robots, createdAt }: TokenRecord): object {
  return { tokenId, role, warehouses, robots, createdAt };
}

function open(data: string): TokenFile {
  const directory = resolve(data);
  // A mistyped directory must not become a new one with tokens that no server reads.
  if (!existsSync(join(directory, 'tokens.json'))) {
    throw new AppError('E_DATA_DIRECTORY', { directory, detail: 'no server has started there yet' });
  }
  return openTokenFile({ directory, clock: wallClock });
}

function roleNamed(name: string): Role {
  const role = ROLES.find((known) => known === name);
  if (role === undefined) throw new InvalidArgumentError(`Known: ${ROLES.join(', ')}.`);
  return role;
}
