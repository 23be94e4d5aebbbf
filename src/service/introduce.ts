import { AppError } from '../domain/errors.js';
import { LIMITS } from '../domain/limits.js';
import { restMayLeave } from './leaving.js';
import type { SiteEntry } from './serviceCore.js';
import { addRobot, nodeIndex, type Robot } from './site.js';
import { standAt } from './tracking.js';

/** Makes a robot known, or brings what is known of it up to date. @throws E_UNKNOWN_ROBOT_TYPE E_UNKNOWN_NODE E_BUSY */
export function introduce(
  { site }: SiteEntry,
  message: { readonly robotId: string; readonly robotType: string; readonly node?: string },
): Robot {
  const robotType = site.graph.robotTypeIndexOf.get(message.robotType);
  if (robotType === undefined) {
    throw new AppError('E_UNKNOWN_ROBOT_TYPE', {
      robotType: message.robotType,
      warehouseId: site.warehouseId,
      known: site.graph.robotTypes.map((type) => type.name).join(', '),
    });
  }
  const node = message.node === undefined ? undefined : nodeIndex(site, message.node);
  let robot = site.robots.get(message.robotId);
  if (!robot) {
    if (site.robots.size >= LIMITS.robotsPerWarehouse) {
      throw new AppError('E_BUSY', {
        limit: LIMITS.robotsPerWarehouse,
        what: 'robots',
        retryAfterSeconds: 3600,
      });
    }
    robot = addRobot(site, message.robotId, robotType);
  }
  robot.robotType = robotType;
  if (node !== undefined && !robot.route) standAt(site, robot, node, site.clock.now());
  return robot;
}

/**
 * What a robot that says hello gets back: the route that it has still to drive. One that has no way now gets the
 * node to wait at and no stops; none at all where the map has changed under its route.
 */
export function openRouteOf({ site, ledger }: SiteEntry, robot: Robot) {
  const entry = ledger.openOf(robot.robotId);
  if (!entry) return [];
  const { routeId, robotId, revision } = entry;
  const { nodes, stopIndexes } = entry.plan;
  const route = site.openRoutes.get(routeId);
  if (route && restMayLeave(site, route, site.clock.now()))
    return [{ routeId, robotId, revision, stopIndexes, nodes }];
  const waitsAt = route ? [site.graph.nodeIds[route.robot.node]!] : [];
  return [{ routeId, robotId, revision, stopIndexes: [], nodes: waitsAt }];
}
