import { expect, it } from 'vitest';
import { runProgram, startProgram } from './support/program.js';

it.each([
  ['serve --bogus', 'error: unknown option'],
  [`serve --map ${'m,'.repeat(64)}m`, 'E_USAGE: The command cannot be run: one server has at most 64'],
  ['bench --cell kiva-33x36@4', "error: required option '--method"],
  ['bench --cell nowhere@4 --method shortest', 'E_MAP_UNREADABLE: '],
  ['bench --cell kiva-33x36@1000000000 --method shortest', 'E_USAGE: '],
  ['bench --cell kiva-33x36@4 --method shortest --steps 1e99', 'E_USAGE: '],
  ['bench --cell kiva-33x36@4 --method shortest --picks 1e99', 'E_USAGE: '],
  ['bench --cell kiva-33x36@4 --method shortest --picture nowhere/floor.png', 'E_USAGE: '],
  ['bench --cell kiva-33x36@4 --method shortest --weights wait=1=2', "error: option '--weights"],
  ['bench --cell kiva-33x36@4 --method shortest --backend foo', "error: option '--backend"],
  [
    'sim run --map kiva-33x36 --robots 4 --steps 5 --single-goals --in-process --backend foo',
    'error: option',
  ],
  ['watch --help', "error: unknown command 'watch'\n"],
  ['token bogus --help', "error: unknown command 'bogus'\n"],
  ['help bogus', "error: unknown command 'bogus'\n"],
  ['help token bogus', "error: unknown command 'token bogus'\n"],
  ['chaos --seeds 1 --kept README.md', 'E_USAGE: '],
  ['mode shadwo --warehouse north', "error: command-argument value 'shadwo'"],
  ['weights set wait=200 --warehouse north --token t', 'E_WEIGHTS_INVALID: '],
  ['weights set time=0 --warehouse north --token t', 'E_WEIGHTS_INVALID: '],
  ['weights set wait=0x10 --warehouse north --token t', 'E_USAGE: '],
  [
    'weights set wait=1 wait=2 --warehouse north --token t',
    'E_USAGE: The command cannot be run: wait is given twice',
  ],
  ['sim orders --map maps/kiva-33x36.json --out never --seed 1.5', "error: option '--seed"],
  ['token add --role viewer --expires-in 0h', "error: option '--expires-in"],
  ['map path maps/kiva-33x36.json r1c0', "error: missing required argument 'to'"],
])(
  'says of `aisleflow %s` in a line what is wrong, and leaves with 2',
  async (args, said) => {
    const { code, out, err } = await runProgram(args.split(' '));
    expect([code, out]).toEqual([2, '']);
    expect(err.startsWith(said)).toBe(true);
    expect(err).not.toContain('    at ');
  },
  60_000,
);

it('points to the help of the command that was used wrongly', async () => {
  const { err } = await runProgram(['token', 'add']);
  expect(err).toContain("'--role <role>' not specified\n(aisleflow token add --help shows how it is used)");
}, 60_000);

it('names the option that was given, and the variable where that was set', async () => {
  const option = await runProgram(['serve', '--journal-days', '-1']);
  expect([option.code, option.err]).toEqual([
    2,
    expect.stringContaining('--journal-days is -1; it must be >= 0'),
  ]);
  const variable = await runProgram(['serve'], { AISLEFLOW_JOURNAL_DAYS: '-1' });
  expect(variable.err).toContain('AISLEFLOW_JOURNAL_DAYS is -1; it must be >= 0');
}, 60_000);

it('says of an empty name of a data directory that it is empty', async () => {
  const [serve, token] = await Promise.all([
    runProgram(['serve', '--data', '']),
    runProgram(['token', 'list', '--data', '']),
  ]);
  expect([serve.code, serve.err]).toEqual([
    2,
    'E_CONFIG: The configuration is wrong: the name of the data directory is empty (--data).\n',
  ]);
  expect([token.code, token.err]).toEqual([
    2,
    expect.stringContaining(
      "option '--data <directory>' argument '' is invalid. The name of the directory is empty.",
    ),
  ]);
}, 60_000);

it('leaves with 0 where help is asked for, which says what must be given and gives an example', async () => {
  const [bench, orders, open] = await Promise.all([
    runProgram(['bench', '--help']),
    runProgram(['sim', 'orders', '--help']),
    runProgram(['help', 'lanes', 'open']),
  ]);
  expect([bench.code, open.code]).toEqual([0, 0]);
  expect(bench.out.replace(/\s+/g, ' ')).toContain('and how many robots (required)');
  for (const { out } of [bench, orders]) expect(out).toContain('\nExit code: 0 done, 2 wrong use');
  expect(orders.out.replace(/\s+/g, ' ')).toContain('(default: 8,6,5,4,3,2,1,1)');
  expect(bench.out).not.toMatch(/default: (""|\[\]|\{\})/);
  expect(open.out).toContain('Example:\n  aisleflow lanes open r1c1/r1c2 r1c2/r1c1 --warehouse kiva-33x36\n');
}, 60_000);

it.each([
  ['token revoke', 'token revoke robot-1f0c22ab'],
  ['journal verify', 'journal verify --data /var/lib/aisleflow'],
  ['corner-cases', 'corner-cases replay ROUTE --warehouse kiva-33x36'],
  ['corner-cases replay', 'corner-cases replay ROUTE --warehouse kiva-33x36'],
  ['weights', 'weights set wait=2 blocking=0.5 --warehouse kiva-33x36'],
  ['lanes', 'lanes close r1c1/r1c2 r1c2/r1c1 --warehouse kiva-33x36'],
  ['policy', 'policy rollback --warehouse kiva-33x36'],
])(
  'gives an example in the help of `aisleflow %s`',
  async (command, example) => {
    const { code, out } = await runProgram([...command.split(' '), '--help']);
    expect([code, out]).toEqual([0, expect.stringContaining(`\n  aisleflow ${example}`)]);
  },
  60_000,
);

it('sums up in a sentence what chaos came to, and as JSON where that is asked for', async () => {
  const [text, json] = await Promise.all([
    runProgram(['chaos', '--seed', '2']),
    runProgram(['chaos', '--seed', '2', '--json']),
  ]);
  expect([text.code, text.out]).toEqual([0, expect.stringMatching(/^1 seeds, the last 2: 0 broken\. /)]);
  expect(JSON.parse(json.out)).toMatchObject({ seeds: 1, broken: 0, last: 2 });
}, 60_000);

it('ends without a word where its reader stops early', async () => {
  const { child, ended } = startProgram(['map', 'show', 'maps/narrow-33x57.json']);
  child.stdout?.destroy();
  expect(await ended).toEqual({ code: 0, out: '', err: '' });
}, 60_000);
