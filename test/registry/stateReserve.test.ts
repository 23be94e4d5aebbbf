import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { LIMITS } from '../../src/domain/limits.js';
import { holdReserve } from '../../src/registry/stateReserve.js';

it('fills up what is missing of its reserve, and gives up nothing of what it holds meanwhile', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'aisleflow-reserve-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = join(directory, '.registry.reserve');
  const held = Buffer.alloc(4096, 'held');
  writeFileSync(file, held);
  await holdReserve(directory);
  const content = readFileSync(file);
  expect([content.length, content.subarray(0, 4096).equals(held)]).toEqual([
    LIMITS.registryReserveBytes,
    true,
  ]);
});
