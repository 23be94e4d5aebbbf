import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { compiledProgram } from '../support/compiled.js';

it.each([
  ['--url http://127.0.0.1:1', 2, 'E_CONFIG: The configuration is wrong: no token;'],
  ['--url nowhere --token t', 2, 'E_CONFIG: The configuration is wrong: nowhere is no server'],
  ['--url http://127.0.0.1:1 --token t', 1, 'E_LINK_LOST: '],
  ['--seconds never', 2, "error: option '--seconds"],
])('says of `npm run load -- %s` what is wrong, and leaves with %i', async (args, code, said) => {
  const { AISLEFLOW_TOKEN: _, ...env } = process.env;
  const [error, err] = await new Promise<[Error | null, string]>((resolve) => {
    const program = join(compiledProgram(), 'load', 'run.js');
    execFile(process.execPath, [program, ...args.split(' ')], { env }, (failed, __, told) =>
      resolve([failed, told]),
    );
  });
  expect(error).toMatchObject({ code });
  expect(err).toContain(said);
  expect(err).not.toContain('    at ');
});
