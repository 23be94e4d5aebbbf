import type { Mode } from '../../src/domain/messages.js';

/** What prices the lanes, and what of it learns. */
export interface BenchMethodSpec {
  readonly mode: Mode;
  /** A price of `handMadePrice`, or the service's own planned-flow price. */
  readonly price?:
    | 'flow'
    | 'flow+crisscross'
    | 'flow+highways'
    | 'flow-light'
    | 'flow-light+highways'
    | 'static'
    | 'observed-delay';
  /** Weights that the network starts from; `silent` ones predict nothing. */
  readonly weights?: 'cold' | 'shipped' | 'silent';
  /** Robots go by the published weights of moves and waits step by step, whatever their routes say. */
  readonly guided?: true;
  /** Serves a shortest path, each of those as likely. */
  readonly shortest?: true;
  /** Means something only in a run with a change. */
  readonly needsChange?: true;
}

/**
 * Every method plans with the same planner in the same simulator. `flow` is the planned-flow price of Chen et al.,
 * AAAI 2024, with `+crisscross` by row and column numbers, which gives all aisles of an even pitch the same way, with
 * `+highways` by the highways of our own rules; `static` the published lane weights of Zhang et al., IJCAI 2024;
 * `ggo-pibt` the same as they published it, without routes: each robot ranks its next moves and its wait by all their weights;
 * `frozen` the shipped policy as it is.
 * `rules-alone` is the service's own price without what its network predicts: what learning adds to it is learning's.
 * `frozen-at-change` stops its network at the change (lane memory, usual flow and pressure go on, as in mode frozen);
 * `oracle` knows how slow the slow cell is, and learns as `learned-cold` else.
 */
export const BENCH_METHODS = {
  shortest: { mode: 'off', shortest: true },
  flow: { mode: 'off', price: 'flow' },
  'flow+crisscross': { mode: 'off', price: 'flow+crisscross' },
  'flow+highways': { mode: 'off', price: 'flow+highways' },
  'flow-light': { mode: 'off', price: 'flow-light' },
  'flow-light+highways': { mode: 'off', price: 'flow-light+highways' },
  static: { mode: 'off', price: 'static' },
  'ggo-pibt': { mode: 'off', price: 'static', guided: true },
  'observed-delay': { mode: 'off', price: 'observed-delay' },
  'rules-alone': { mode: 'frozen', weights: 'silent' },
  'learned-cold': { mode: 'learn', weights: 'cold' },
  'learned-shipped': { mode: 'learn', weights: 'shipped' },
  frozen: { mode: 'frozen', weights: 'shipped' },
  'frozen-at-change': { mode: 'learn', weights: 'cold', needsChange: true },
  oracle: { mode: 'learn', weights: 'cold', needsChange: true },
} as const satisfies Record<string, BenchMethodSpec>;

export type BenchMethod = keyof typeof BENCH_METHODS;
export const BENCH_METHOD_NAMES = Object.keys(BENCH_METHODS) as readonly BenchMethod[];
/** Those of a run in which nothing changes. */
export const QUALITY_METHODS = BENCH_METHOD_NAMES.filter((name) => !specOf(name).needsChange);
/** Opponents that nobody trained in this simulator. */
export const HAND_MADE_METHODS: readonly BenchMethod[] = [
  'flow',
  'flow+crisscross',
  'flow+highways',
  'flow-light',
  'flow-light+highways',
  'static',
  'ggo-pibt',
  'observed-delay',
];

export function specOf(method: BenchMethod): BenchMethodSpec {
  return BENCH_METHODS[method];
}
