import { AppError, busy } from '../domain/errors.js';
import { LIMITS } from '../domain/limits.js';
import type { HelloMessage, WelcomeMessage } from '../domain/messages.js';
import { assumePlace, hearAside } from './expectedPlace.js';
import { beginHold, lookAgain } from './heldRoutes.js';
import { restOf } from './leaving.js';
import type { SiteEntry } from './serviceCore.js';
import { forgetSilentRobots } from './silentRobots.js';
import { addRobot, heardOf, nodeIndex, type OpenRoute, type Robot, type Site } from './site.js';
import { standAt } from './tracking.js';

/** A robot as it says hello. */
type Introduction = HelloMessage['robots'][number];

/**
 * Makes robots known, or brings what is known of them up to date: all of them, or none where one is refused.
 * @throws E_UNKNOWN_ROBOT_TYPE E_UNKNOWN_NODE E_BUSY
 */
export function introduce({ site }: SiteEntry, introductions: readonly Introduction[]): Robot[] {
  const read = introductions.map((introduction) => readIntroduction(site, introduction));
  const named = new Set<string>(introductions.map(({ robotId }) => robotId));
  const strangers = [...named].filter((id) => !site.robots.has(id)).length;
  if (strangers > 0)
    forgetSilentRobots(site, site.robots.size + strangers - LIMITS.robotsPerWarehouse, named);
  if (strangers > 0 && site.robots.size + strangers > LIMITS.robotsPerWarehouse) {
    throw busy(LIMITS.robotsPerWarehouse, 'robots', 3600);
  }
  return read.map(({ robotId, robotType, node }) => {
    const robot = site.robots.get(robotId) ?? addRobot(site, robotId, robotType);
    robot.robotType = robotType;
    // It may have become another with a route open: lanes may be barred for it now, or no longer be.
    if (robot.route && robot.route.robotType !== robotType) {
      robot.route.robotType = robotType;
      lookAgain(robot.route);
    }
    heardOf(site, robot);
    if (node !== undefined) {
      if (robot.route) hearAside(site, robot.route, node, site.clock.now());
      else standAt(site, robot, node, site.clock.now());
    }
    return robot;
  });
}

function readIntroduction(site: Site, { robotId, robotType: name, node }: Introduction) {
  const robotType = site.graph.robotTypeIndexOf.get(name);
  if (robotType === undefined) {
    throw new AppError('E_UNKNOWN_ROBOT_TYPE', {
      robotType: name,
      warehouseId: site.warehouseId,
      known: site.graph.robotTypes.map((type) => type.name).join(', '),
    });
  }
  return { robotId, robotType, node: node === undefined ? undefined : nodeIndex(site, node) };
}

/**
 * What a robot that says hello gets back: the way that it has still to drive, from where it is known or taken to be.
 * One that has no way now is told to wait, and waits until its next plan; where the map has changed under its route
 * no place is named.
 */
export function openRouteOf({ site, ledger }: SiteEntry, robot: Robot): WelcomeMessage['openRoutes'] {
  const entry = ledger.openOf(robot.robotId);
  if (!entry) return [];
  const { routeId, robotId, revision } = entry;
  const route = site.openRoutes.get(routeId);
  const rest = route ? restOf(site, route, entry.plan) : null;
  if (rest) {
    const { nodes, stopIndexes } = rest;
    return [{ routeId, robotId, revision, held: false, stopIndexes, nodes }];
  }
  if (route) {
    waitForPlan(site, route);
    route.heldAtHello = true;
  }
  const nodes = route ? [site.graph.nodeIds[route.robot.node]!] : [];
  return [{ routeId, robotId, revision, held: true, stopIndexes: [], nodes }];
}

/** Whoever is told to wait does not drive on by its ETAs, and gets a plan at the next tick. */
function waitForPlan(site: Site, route: OpenRoute): void {
  if (route.held) return;
  assumePlace(site, route, site.clock.now());
  beginHold(site, route, site.clock.now());
  lookAgain(route);
}
