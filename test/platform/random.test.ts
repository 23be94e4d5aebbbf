import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/platform/random.js';

describe('random', () => {
  it('draws differently from the first draw on for neighbouring seeds', () => {
    const firsts = Array.from({ length: 1000 }, (_, seed) => createRandom(seed).next());
    expect(new Set(firsts).size).toBeGreaterThan(990);
    const mean = firsts.reduce((sum, value) => sum + value, 0) / firsts.length;
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.05);
  });

  it('repeats itself, and its forks do not depend on what was drawn before', () => {
    const [one, other] = [createRandom(7), createRandom(7)];
    other.next();
    const draws = (random: ReturnType<typeof createRandom>): number[] => [random.next(), random.next()];
    expect(draws(one.fork('a'))).toEqual(draws(other.fork('a')));
    expect(draws(one.fork('a'))).not.toEqual(draws(one.fork('b')));
  });
});
