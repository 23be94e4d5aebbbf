import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** A seeded stream of random numbers: same seed, same stream, on every machine. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform integer in [0, limit). */
  integer(limit: number): number;
  /** Standard normal (Box-Muller). */
  normal(): number;
  /** Exponential with the given mean. */
  exponential(mean: number): number;
  /** Fisher-Yates, in place. */
  shuffle<T>(items: T[]): T[];
  /** An independent stream, named: the same name gives the same stream whatever was drawn before. */
  fork(name: string): Random;
}

export function createRandom(seed: number): Random {
  // The generator starts from a seed and its complement: its first draws are the same for every seed.
  const generator = xoroshiro128plus(seed);
  for (let draw = 0; draw < DRAWS_DROPPED; draw++) generator.next();
  const next = (): number => (generator.next() >>> 0) / 0x1_0000_0000;
  const integer = (limit: number): number => Math.floor(next() * limit);
  return {
    next,
    integer,
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
    exponential: (mean) => -mean * Math.log(1 - next()),
    shuffle(items) {
      for (let last = items.length - 1; last > 0; last--) {
        const other = integer(last + 1);
        [items[last], items[other]] = [
          items[other] as (typeof items)[number],
          items[last] as (typeof items)[number],
        ];
      }
      return items;
    },
    fork: (name) => createRandom(hashText(`${seed}/${name}`)),
  };
}

const DRAWS_DROPPED = 32;

/** FNV-1a, 32 bits. */
function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash | 0;
}
