/**
 * The six kinds of cost of a route. They add up: no second is counted twice.
 * `time` free-flow seconds of the lanes driven; `wait` seconds beyond it; `blocking` seconds that
 * others waited for it; `distance` metres; `turns` changes of heading; `lateness` seconds after the deadline.
 */
export const COMPONENTS = ['time', 'wait', 'blocking', 'distance', 'turns', 'lateness'] as const;
export type Component = (typeof COMPONENTS)[number];

/** A number for each component, in the component's own unit. */
export type Components = Record<Component, number>;

/** What operations staff tune: weighted seconds for one unit of each component. Finite, 0 to 100. */
export type RewardWeights = Components;

export const DEFAULT_REWARD_WEIGHTS: Readonly<RewardWeights> = {
  time: 1,
  wait: 1,
  blocking: 1,
  distance: 0,
  turns: 0,
  lateness: 1,
};

export function zeroComponents(): Components {
  return { time: 0, wait: 0, blocking: 0, distance: 0, turns: 0, lateness: 0 };
}

/** What `component=number` says; null where it says neither more nor less than that. */
export function parseWeight(pair: string): readonly [Component, number] | null {
  const [name, text = '', ...rest] = pair.split('=');
  const component = COMPONENTS.find((known) => known === name);
  // To `Number` an empty text is 0, and 0x10 is 16.
  const weight = /^[-+.\de]+$/i.test(text) ? Number(text) : NaN;
  return component === undefined || rest.length > 0 || !Number.isFinite(weight) ? null : [component, weight];
}

const WEIGHT_LIMIT = 100;
/** Scores are shares of weighted free-flow time: next to nothing would make them infinite. */
const LEAST_TIME_WEIGHT = 0.001;

/** Whether a component can weigh so much. */
export function isWeight(component: Component, weight: number): boolean {
  return weight >= (component === 'time' ? LEAST_TIME_WEIGHT : 0) && weight <= WEIGHT_LIMIT;
}

/** Sum over the components of weight times value, in weighted seconds. The score is minus this. */
export function weightedCost(components: Components, weights: RewardWeights): number {
  let cost = 0;
  for (const component of COMPONENTS) cost += weights[component] * components[component];
  return cost;
}

const RATIO_LIMIT = 20;

/** A route's score ratio as it counts in means: one robot that stood for an hour must not be all that they tell of. */
export function boundedRatio(ratio: number): number {
  return Math.min(RATIO_LIMIT, ratio);
}
