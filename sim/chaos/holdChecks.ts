import type { LaneName } from '../../src/domain/serviceContract.js';

/** A way that a robot may need: from one node to another. */
type Way = readonly [from: string, to: string];

/** Whoever waits. */
interface Waiting {
  readonly site: number;
  readonly robotType: string;
  readonly node: string;
  /** All of its tour: which of them it is taken to have made does not matter where there is a way to each. */
  readonly stops: readonly string[];
}

/** A held route has a new plan within this of the last thing that happened to lanes, disk or process. */
const PATIENCE_MILLISECONDS = 10_000;

/**
 * No robot waits needlessly: one that asks gets a way where there is one, and one that was told to wait does not do so
 * for long once there is. What may be closed counts as closed: a closing from when it is asked for, an opening from when
 * it is answered.
 */
export function createHoldChecks(options: {
  readonly ways: readonly (readonly {
    readonly from: string;
    readonly to: string;
    readonly barred: readonly string[];
  }[])[];
  readonly closed: readonly ReadonlySet<string>[];
  readonly now: () => number;
}) {
  const { ways, now } = options;
  const shut = options.closed.map((lanes) => new Set(lanes));
  let changedAt = now();
  let changes = 0;
  const change = (): void => {
    changedAt = now();
    changes++;
  };

  const reachedFrom = ({ site, robotType }: Waiting, start: string): ReadonlySet<string> => {
    const reached = new Set([start]);
    const open = ways[site]!.filter(
      ({ from, to, barred }) => !shut[site]!.has(`${from} ${to}`) && !barred.includes(robotType),
    );
    for (let size = 0; size < reached.size;) {
      size = reached.size;
      for (const { from, to } of open) if (reached.has(from)) reached.add(to);
    }
    return reached;
  };
  const hasWay = (waiting: Waiting): boolean => {
    const { node, stops } = waiting;
    const needed: Way[] = stops.map((stop) => [node, stop]);
    stops.slice(1).forEach((stop, i) => needed.push([stops[i]!, stop]));
    return needed.every(([from, to]) => reachedFrom(waiting, from).has(to));
  };

  return {
    change,
    changes: () => changes,
    closing(site: number, lanes: readonly LaneName[]): void {
      change();
      for (const { from, to } of lanes) shut[site]!.add(`${from} ${to}`);
    },
    opened(site: number, lanes: readonly LaneName[]): void {
      change();
      for (const { from, to } of lanes) shut[site]!.delete(`${from} ${to}`);
    },
    /** Whether it waits for nothing: nothing has changed for so long, and there is a way. */
    isNeedless: (waiting: Waiting, since: number): boolean =>
      now() - Math.max(since, changedAt) > PATIENCE_MILLISECONDS && hasWay(waiting),
    hasWay,
  };
}
