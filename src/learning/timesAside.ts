import type { Instant } from '../domain/ids.js';
import type { IssuedRoute, TimeAside } from './issuedRoute.js';

/** Times that say nothing of lanes or prices: a robot was to wait, or could not drive (decision 0025). */

type Aside = Pick<IssuedRoute, 'holds' | 'pauses'>;

/** Whether a route says nothing of how slow the floor is, or how good its prices are. */
export function wasAside({ holds, pauses }: Aside): boolean {
  return holds.length + pauses.length > 0;
}

/** In order, as one where they overlap. */
export function timesAside({ holds, pauses }: Aside): readonly TimeAside[] {
  const joined: TimeAside[] = [];
  for (const { from, until } of [...holds, ...pauses].sort((a, b) => a.from - b.from)) {
    const last = joined.at(-1);
    if (last && from <= last.until) joined.splice(-1, 1, { ...last, until: Math.max(last.until, until) });
    else joined.push({ from, until });
  }
  return joined;
}

export function secondsWithin(times: readonly TimeAside[], from: Instant, until: Instant): number {
  const overlap = (time: TimeAside): number => Math.min(until, time.until) - Math.max(from, time.from);
  return times.reduce((sum, time) => sum + Math.max(0, overlap(time)) / 1000, 0);
}

export function isWithin(times: readonly TimeAside[], at: Instant): boolean {
  return times.some(({ from, until }) => from < at && at <= until);
}
