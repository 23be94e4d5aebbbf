import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startServer } from './support/startServer.js';

it('the example robot drives a tour and is scored', async () => {
  const server = await startServer({ clock: 'wall' });
  const { token } = server.issue({ role: 'robot', warehouses: ['north'], robots: ['example-*'] });
  const example = join(import.meta.dirname, '..', '..', 'examples', 'robot.ts');
  const tour = [server.url, token, 'north', 'r2c1', 'r3c1', 'r4c1'];
  const robot = spawn(process.execPath, ['--import', 'tsx', example, ...tour], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [robot.stdout, robot.stderr])
    stream.on('data', (text: Buffer) => (output += text.toString()));
  const code = await new Promise((resolve) => robot.on('close', resolve));
  expect(output).toMatch(
    /Route .* of example-\d+: 2 lanes, planned under policy free-flow\.\nScore -\d+\.\d, .* learnt\.\n$/,
  );
  expect(code).toBe(0);
  await server.close();
});
