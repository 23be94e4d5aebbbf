import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/domain/limits.js';
import { siblingModule, spawnWorker } from '../../src/platform/spawnWorker.js';

describe('spawnWorker', () => {
  it('runs a TypeScript module with its data, and imports that end in .js resolve', async () => {
    const worker = spawnWorker(new URL('./fixtures/echoWorker.ts', import.meta.url), { seed: 7 });
    const [first] = (await once(worker, 'message')) as unknown[];
    expect(first).toEqual({ given: { seed: 7 }, limit: LIMITS.idLength });
    worker.postMessage('still there');
    const [second] = (await once(worker, 'message')) as unknown[];
    expect(second).toBe('still there');
    await worker.terminate();
  });

  it('names a sibling with the extension of the caller', () => {
    expect(siblingModule('file:///app/src/a.ts', 'b').href).toBe('file:///app/src/b.ts');
    expect(siblingModule('file:///app/dist/a.js', 'b').href).toBe('file:///app/dist/b.js');
  });
});
