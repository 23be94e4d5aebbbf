import { describe, expect, it } from 'vitest';
import { createSlices } from '../../src/platform/slices.js';

/** Slices on a clock that the work itself moves on. */
function setUp() {
  let clock = 0;
  const deferred: (() => void)[] = [];
  const slices = createSlices({ now: () => clock, defer: (work) => deferred.push(work) });
  const done: string[] = [];
  const work = (name: string, milliseconds: number): Promise<string> =>
    slices.run(async () => {
      clock += milliseconds;
      done.push(name);
      return name;
    });
  /** The rest takes so long; then what was deferred has its turn. */
  const next = (milliseconds = 0): string => {
    clock += milliseconds;
    expect(deferred).toHaveLength(1);
    done.length = 0;
    deferred.shift()!();
    return done.join('');
  };
  return { slices, work, next, deferred };
}

describe('slices', () => {
  it('go on for four milliseconds, in the order in which work came, and then give way', async () => {
    const { work, next, deferred } = setUp();
    const all = Promise.all(['a', 'b', 'c', 'd', 'e'].map((name) => work(name, 2)));
    expect(next()).toBe('ab');
    const last = work('f', 2);
    expect([next(), next(), deferred]).toEqual(['cd', 'ef', []]);
    expect([await all, await last]).toEqual([['a', 'b', 'c', 'd', 'e'], 'f']);
  });

  it('bring something on however long it takes', () => {
    const { work, next } = setUp();
    for (const name of ['a', 'b']) void work(name, 100);
    expect([next(), next()]).toEqual(['a', 'b']);
  });

  it('last as long as the rest did since the one before, up to 25 milliseconds', () => {
    const { work, next } = setUp();
    for (let i = 0; i < 100; i++) void work('x', 1);
    expect([next(1000), next(10), next(1000), next(1)].map((names) => names.length)).toEqual([4, 10, 25, 4]);
  });

  it('are one at a time, whatever is asked for within one or between two', async () => {
    const { slices, work, next, deferred } = setUp();
    const both = slices.run(async () => Promise.all([work('a', 5), work('b', 1)]));
    expect(next()).toBe('a');
    expect(next()).toBe('b');
    expect([await both, deferred]).toEqual([['a', 'b'], []]);
    void work('c', 1);
    expect(next()).toBe('c');
  });

  it('go on after work that fails', async () => {
    const { slices, work, next } = setUp();
    const failing = slices.run(() => Promise.reject(new Error('why')));
    const after = work('a', 1);
    expect(next()).toBe('a');
    await expect(failing).rejects.toThrow('why');
    expect(await after).toBe('a');
  });
});
