import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { createDrivenClock } from '../../src/platform/clock.js';
import { openTokenFile } from '../../src/registry/tokenFile.js';
import { runProgram } from './support/program.js';

it('token add takes what names somebody, and leaves the tokens as they are by what cannot', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'aisleflow-token-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const openFile = () => openTokenFile({ directory, clock: createDrivenClock(1_000) });
  openFile().issueFirst();
  const add = (...scope: string[]) =>
    runProgram(['token', 'add', '--role', 'robot', ...scope, '--data', directory]);

  const refused = await Promise.all([
    add('--robots', 'lift-1', ''),
    add('--robots', 'r'.repeat(80)),
    add('--warehouses', '*'),
    add('--role', 'operator', '--robots', 'lift-1'),
  ]);
  for (const { code, out, err } of refused) {
    expect([code, out, err.split(':')[0]]).toEqual([2, '', 'E_USAGE']);
  }
  expect(openFile().records()).toHaveLength(3);

  const { out } = await add('--warehouses', 'north', '--robots', 'lift-1', 'amr-*', '*');
  expect(out).toContain('Role robot, warehouses north, robots lift-1, amr-*, *.');
  const added = openFile().records()[3];
  expect(added).toMatchObject({ warehouses: ['north'], robots: ['lift-1', 'amr-*', '*'] });
}, 60_000);
