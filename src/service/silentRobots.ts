import { LIMITS } from '../domain/limits.js';
import { placeRobot, type Robot, type Site } from './site.js';

/** Said nothing for hours, and has no route: whether it is still there nobody knows. */
function isSilent(site: Site, robot: Robot): boolean {
  return !robot.route && site.clock.now() - robot.heardAt > 1000 * LIMITS.robotSilenceSeconds;
}

/** Takes silent robots off the floor: else a node where one was last seen would count as held for ever. */
export function clearSilentRobots(site: Site): void {
  for (const robot of site.robots.values()) {
    if (robot.node >= 0 && isSilent(site, robot)) takeOffFloor(site, robot);
  }
}

function takeOffFloor(site: Site, robot: Robot): void {
  placeRobot(site, robot, -1);
  robot.paused = false;
  site.holdings.forget(robot.index);
}

/** Forgets the names of up to so many silent robots, but none of those given: their places are another's. */
export function forgetSilentRobots(site: Site, count: number, except: ReadonlySet<string>): void {
  let left = count;
  for (const robot of site.robots.values()) {
    if (left <= 0) return;
    if (except.has(robot.robotId) || !isSilent(site, robot)) continue;
    takeOffFloor(site, robot);
    site.robots.delete(robot.robotId);
    left--;
  }
}
