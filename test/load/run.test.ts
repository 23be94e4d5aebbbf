import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { startServer } from '../server/support/startServer.js';
import { compiledProgram } from '../support/compiled.js';

it.each([
  ['--url http://127.0.0.1:1', 2, 'E_CONFIG: The configuration is wrong: no token;'],
  ['--url nowhere --token t', 2, 'E_CONFIG: The configuration is wrong: nowhere is no server'],
  ['--url http://127.0.0.1:1 --token t', 1, 'E_LINK_LOST: '],
  ['--seconds never', 2, "error: option '--seconds"],
])('says of `npm run load -- %s` what is wrong, and leaves with %i', async (args, code, said) => {
  const [error, err] = await load(args);
  expect(error).toMatchObject({ code });
  expect(err).toContain(said);
  expect(err).not.toContain('    at ');
});

it('warns before it loads a server that learns, and no other', async () => {
  const server = await startServer();
  onTestFinished(() => server.close());
  // More robots than its connection carries: it ends before the first of them.
  const run = () =>
    load(
      `--url ${server.url} --token ${server.tokens.operator} --warehouse north --connections 1 --robots 5000 --only fleet`,
    );
  await server.service.setMode('north', 'learn');
  expect((await run())[1]).toMatch(/^warning: north learns \(mode learn\)/);
  await server.service.setMode('north', 'off');
  expect((await run())[1]).toMatch(/^E_USAGE: /);
});

/** Runs it to its end: how it failed, and what it told. */
function load(args: string): Promise<[Error | null, string]> {
  const { AISLEFLOW_TOKEN: _, ...env } = process.env;
  const program = join(compiledProgram(), 'load', 'run.js');
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...args.split(' ')], { env }, (failed, __, told) =>
      resolve([failed, told]),
    );
  });
}
