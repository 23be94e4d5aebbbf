import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

it('lets the heap double before it is collected as a whole', async () => {
  const program = new URL('./fixtures/collected.ts', import.meta.url).pathname;
  const flags = ['--expose-gc', '--trace-gc', '--trace-gc-verbose', '--import', 'tsx'];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, program]);
  expect(stdout).toMatch(/\[HeapController\] Limit: .* \(2\.0\)/);
});
