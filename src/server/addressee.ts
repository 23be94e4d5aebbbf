import { AppError, isAppError } from '../domain/errors.js';
import type { FromFleetMessage, HelloMessage } from '../domain/messages.js';
import type { RoutingService } from '../domain/serviceContract.js';
import { robotKey, type FleetConnection } from './fleetConnection.js';

/** Messages about one robot or its route: all but hello. */
export type RobotMessage = Exclude<FromFleetMessage, HelloMessage>;

/** Whom a message is about. */
export interface Addressee {
  readonly kind: 'robot';
  readonly robotId: string;
  readonly warehouseId: string;
}

/** A route that is in nobody's memory any more: only the journal knows whose it was. */
interface PastRoute {
  readonly kind: 'pastRoute';
  readonly routeId: string;
}

/**
 * The robot that a message is about and its warehouse; it must have said hello on this connection.
 * @throws E_HELLO_FIRST, E_NOT_YOUR_ROUTE
 */
export function addressee(
  service: Pick<RoutingService, 'robotOf' | 'route'>,
  connection: FleetConnection,
  message: RobotMessage,
): Addressee | PastRoute {
  if ('robotId' in message) {
    const { robotId } = message;
    const warehouseId = connection.warehouseOf.get(robotId);
    if (warehouseId !== undefined) return { kind: 'robot', robotId, warehouseId };
    throw new AppError('E_HELLO_FIRST', { whom: `robot ${robotId}` });
  }
  const { routeId } = message;
  if (connection.warehouses.size === 0) {
    throw new AppError('E_HELLO_FIRST', { whom: `the robot of route ${routeId}` });
  }
  for (const warehouseId of connection.warehouses) {
    const robotId = rememberedRobot(service, warehouseId, routeId);
    if (robotId !== undefined) return ownRobot(connection, { kind: 'robot', robotId, warehouseId }, routeId);
  }
  return { kind: 'pastRoute', routeId };
}

/**
 * The same for a route that only the journal knows: a completion may be repeated long after.
 * @throws E_UNKNOWN_ROUTE, E_NOT_YOUR_ROUTE
 */
export async function lookUpAddressee(
  service: Pick<RoutingService, 'robotOf' | 'route'>,
  connection: FleetConnection,
  routeId: string,
): Promise<Addressee> {
  for (const warehouseId of connection.warehouses) {
    try {
      const { robotId } = await service.route(warehouseId, routeId);
      return ownRobot(connection, { kind: 'robot', robotId, warehouseId }, routeId);
    } catch (error) {
      if (!isUnknownRoute(error)) throw error;
    }
  }
  throw new AppError('E_UNKNOWN_ROUTE', { routeId });
}

function ownRobot(connection: FleetConnection, found: Addressee, routeId: string): Addressee {
  if (connection.speaksFor.has(robotKey(found.warehouseId, found.robotId))) return found;
  throw new AppError('E_NOT_YOUR_ROUTE', { routeId });
}

/** The robot of a route that is open, or not long over; nothing where only the journal could know. */
export function rememberedRobot(
  service: Pick<RoutingService, 'robotOf'>,
  warehouseId: string,
  routeId: string,
): string | undefined {
  try {
    return service.robotOf(warehouseId, routeId);
  } catch (error) {
    if (isUnknownRoute(error)) return undefined;
    throw error;
  }
}

function isUnknownRoute(error: unknown): boolean {
  return isAppError(error) && error.code === 'E_UNKNOWN_ROUTE';
}
