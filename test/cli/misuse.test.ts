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
  ['chaos --seeds 1 --kept README.md', 'E_USAGE: '],
  ['sim orders --map maps/kiva-33x36.json --out never --seed 1.5', "error: option '--seed"],
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

it('leaves with 0 where help is asked for, which says what must be given and gives an example', async () => {
  const [bench, open] = await Promise.all([
    runProgram(['bench', '--help']),
    runProgram(['lanes', 'open', '--help']),
  ]);
  expect([bench.code, open.code]).toEqual([0, 0]);
  expect(bench.out.replace(/\s+/g, ' ')).toContain('and how many robots (required)');
  expect(bench.out).not.toMatch(/default: (""|\[\]|\{\})/);
  expect(open.out).toContain('Example:\n  aisleflow lanes open r1c1/r1c2 r1c2/r1c1 --warehouse kiva-33x36\n');
}, 60_000);

it('ends without a word where its reader stops early', async () => {
  const { child, ended } = startProgram(['map', 'show', 'maps/narrow-33x57.json']);
  child.stdout?.destroy();
  expect(await ended).toEqual({ code: 0, out: '', err: '' });
}, 60_000);
