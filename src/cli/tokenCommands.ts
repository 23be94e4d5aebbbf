import { InvalidArgumentError, type Command } from 'commander';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Compile } from 'typebox/compile';
import { AppError } from '../domain/errors.js';
import { Id } from '../domain/messages.js';
import { wallClock } from '../platform/clock.js';
import { openTokenFile, type TokenFile } from '../registry/tokenFile.js';
import { ROLES, type IssuedToken, type Role, type TokenRecord } from '../registry/tokenRecords.js';
import { FAILURE_HELP, reportingFailure } from './failure.js';
import { DATA_OPTION } from './dataOption.js';
import { tableText } from './tables.js';

interface AddOptions {
  readonly data: string;
  readonly role: Role;
  readonly warehouses?: readonly string[];
  readonly robots?: readonly string[];
  readonly expiresIn?: number;
  readonly json?: true;
}

interface RotateOptions {
  readonly data: string;
  readonly overlap: number;
  readonly json?: true;
}

const idValidator = Compile(Id);

const EXAMPLES = `${FAILURE_HELP}

A running server takes the change up within seconds.

Examples:
  aisleflow token list
  aisleflow token add --role robot --warehouses north --robots 'amr-*' lift-1
  aisleflow token add --role viewer --expires-in 8h
  aisleflow token rotate robot-1f0c22ab --overlap 1h
  aisleflow token revoke robot-1f0c22ab`;

/** Adds `token add|list|rotate|revoke`, which work on the data directory of a server on this machine. */
export function addTokenCommands(program: Command): void {
  const token = program
    .command('token')
    .description('make, list, rotate and revoke tokens')
    .addHelpText('afterAll', EXAMPLES);
  token
    .command('add')
    .description('make a token and print it, once')
    .requiredOption('--role <role>', ROLES.join(', '), roleNamed)
    .option('--warehouses <ids...>', 'warehouses that it reaches, by their ids (default: all)')
    .option('--robots <ids...>', 'robots that it may speak for; a trailing * takes a prefix (default: all)')
    .option('--expires-in <time>', 'how long it holds: 90s, 30m, 8h, 7d (default: until revoked)', lifeNamed)
    .option(...DATA_OPTION)
    .option('--json', 'print {token, tokenId, role, warehouses, robots, createdAt, expiresAt}')
    .action(reportingFailure(async (options: AddOptions) => add(options)));
  token
    .command('list')
    .description('list tokens, without themselves')
    .option(...DATA_OPTION)
    .option('--json', 'print a list of {tokenId, role, warehouses, robots, createdAt, expiresAt}')
    .action(reportingFailure(async (options: { data: string; json?: true }) => list(options)));
  token
    .command('rotate')
    .description(
      'make a token that may do the same and ends when the old one would have, print it, once, and end the old one',
    )
    .argument('<tokenId>')
    .option('--overlap <time>', 'how long the old one still holds: 90s, 30m, 8h, 7d', durationNamed, 0)
    .option(...DATA_OPTION)
    .option('--json', 'print {token, tokenId, role, warehouses, robots, createdAt, expiresAt}')
    .action(reportingFailure(async (tokenId: string, options: RotateOptions) => rotate(tokenId, options)));
  token
    .command('revoke')
    .description('end a token and the connections that were opened with it')
    .argument('<tokenId>')
    .option(...DATA_OPTION)
    .action(
      reportingFailure(async (tokenId: string, options: { data: string }) => {
        if (!open(options.data).revoke(tokenId)) throw unknownToken(tokenId);
        console.log(`${tokenId} is revoked.`);
      }),
    );
}

/** @throws E_USAGE */
function add({ data, role, warehouses, robots, expiresIn, json }: AddOptions): void {
  if (robots !== undefined && role !== 'robot') {
    throw new AppError('E_USAGE', {
      detail: `--robots is for the role robot: a token of a ${role} is not held to any`,
    });
  }
  const issued = open(data).issue({
    role,
    warehouses: scopeNamed('warehouses', warehouses),
    robots: scopeNamed('robots', robots),
    ...(expiresIn === undefined ? {} : { expiresAt: wallClock.now() + 1000 * expiresIn }),
  });
  print(issued, json);
}

/** All where the option was left out. @throws E_USAGE for an entry that can be nobody's */
function scopeNamed(
  option: 'warehouses' | 'robots',
  entries: readonly string[] | undefined,
): TokenRecord['warehouses'] {
  if (entries === undefined) return '*';
  const fits = (entry: string): boolean =>
    option === 'robots' && entry.endsWith('*')
      ? entry === '*' || idValidator.Check(entry.slice(0, -1))
      : idValidator.Check(entry);
  const misfit = entries.find((entry) => !fits(entry));
  if (misfit === undefined) return [...entries];
  const wanted = option === 'robots' ? 'ids, or prefixes that end in *' : 'ids';
  throw new AppError('E_USAGE', {
    detail: `--${option} takes ${wanted}, not "${misfit}"; left out, it means all`,
  });
}

function rotate(tokenId: string, { data, overlap, json }: RotateOptions): void {
  const issued = open(data).rotate(tokenId, overlap);
  if (issued === null) throw unknownToken(tokenId);
  print(issued, json);
}

function print({ token, record }: IssuedToken, json: true | undefined): void {
  console.log(
    json === true
      ? JSON.stringify({ token, ...shown(record) })
      : `${token}\n${record.tokenId}: shown only now. ${boundsOf(record)}`,
  );
}

/** Which warehouses and robots there are, only a server knows: whoever made the token sees a slip here. */
function boundsOf({ role, warehouses, robots }: TokenRecord): string {
  const whose = role === 'robot' ? `, robots ${names(robots)}` : '';
  return `Role ${role}, warehouses ${names(warehouses)}${whose}.`;
}

function names(scope: TokenRecord['warehouses']): string {
  return scope === '*' ? 'all' : scope.join(', ');
}

function unknownToken(tokenId: string): AppError {
  return new AppError('E_USAGE', { detail: `there is no token ${tokenId}; aisleflow token list names them` });
}

function list({ data, json }: { data: string; json?: true }): void {
  const records = open(data).records();
  if (json === true) return console.log(JSON.stringify(records.map(shown)));
  const date = (at: number): string => new Date(at).toISOString();
  const rows = records.map(({ tokenId, role, warehouses, robots, createdAt, expiresAt }) => [
    ...[tokenId, role, names(warehouses), names(robots), date(createdAt)],
    expiresAt === undefined ? '' : date(expiresAt),
  ]);
  console.log(tableText(['Token', 'Role', 'Warehouses', 'Robots', 'Made', 'Ends'], rows));
}

function shown({ tokenId, role, warehouses, robots, createdAt, expiresAt }: TokenRecord): object {
  return { tokenId, role, warehouses, robots, createdAt, ...(expiresAt === undefined ? {} : { expiresAt }) };
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

const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** Seconds of `90s`, `30m`, `8h` or `7d`. */
function durationNamed(text: string): number {
  const [, amount, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (amount === undefined) throw new InvalidArgumentError('Like 90s, 30m, 8h or 7d.');
  return Number(amount) * SECONDS[unit as keyof typeof SECONDS];
}

/** Like `durationNamed`, but no token is made that is over at once. */
function lifeNamed(text: string): number {
  const seconds = durationNamed(text);
  if (seconds === 0) throw new InvalidArgumentError('It would be over at once.');
  return seconds;
}
