import type { Instant } from '../domain/ids.js';
import { LIMITS } from '../domain/limits.js';
import type { Wait } from '../learning/holdings.js';
import { markObstacle, type OpenRoute, type Robot, type Site } from './site.js';

/** Nobody's lane pays for the stop of a robot that says that it cannot drive, neither another's nor its own (decision 0025). */

/** It says that it cannot drive, or that it can again. */
export function setPaused(site: Site, robot: Robot, paused: boolean, at: Instant): void {
  robot.paused = paused;
  markObstacle(site, robot, at);
  if (robot.route) notePause(robot.route, at);
}

/** Its robot may not be able to drive, or may be again. */
export function notePause(route: OpenRoute, at: Instant): void {
  const last = route.pauses.at(-1);
  const lasts = last?.until === Infinity;
  if (route.robot.paused === lasts) return;
  const before = route.pauses.slice(0, -1);
  if (lasts) route.pauses = [...before, { from: last.from, until: Math.max(last.from, at) }];
  // One that stops and goes without end counts as stopped in between.
  else if (last && route.pauses.length >= LIMITS.pausesPerRoute)
    route.pauses = [...before, { from: last.from, until: Infinity }];
  else {
    const from = Math.max(route.issuedAt, last?.until ?? 0, at);
    route.pauses = [...route.pauses, { from, until: Infinity }];
  }
}

/** What is left of a wait without the times in which its robot could not drive. */
export function withoutPauses({ pauses }: Pick<OpenRoute, 'pauses'>, wait: Wait): Wait[] {
  const rest: Wait[] = [];
  let { fromSeconds } = wait;
  for (const { from, until } of pauses) {
    const toSeconds = Math.min(wait.toSeconds, from / 1000);
    if (toSeconds > fromSeconds) rest.push({ ...wait, fromSeconds, toSeconds });
    fromSeconds = Math.max(fromSeconds, until / 1000);
  }
  if (wait.toSeconds > fromSeconds) rest.push({ ...wait, fromSeconds });
  return rest;
}
