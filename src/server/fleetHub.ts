import type { Logger } from 'pino';
import type { HelloMessage, ToFleetMessage } from '../domain/messages.js';
import type { ServiceEvent } from '../domain/serviceContract.js';
import type { FleetConnection } from './fleetConnection.js';
import { CLOSE, robotKey } from './fleetConnection.js';
import type { Credential } from './tokens.js';

/** All fleet connections: which ones each robot is on, and what is pushed to whom. */
export interface FleetHub {
  add(connection: FleetConnection): void;
  remove(connection: FleetConnection): void;
  /** The robots of a hello are on this connection from now on: of the open ones the newest hello wins. */
  bind(connection: FleetConnection, message: HelloMessage): void;
  push(event: ServiceEvent): void;
  /** Pings everyone, and ends those that missed too many. */
  beat(): void;
  /** Closes the connections whose token no longer holds. */
  dropCredentials(isInForce: (credential: Credential) => boolean): void;
  idle(): Promise<void>;
  close(): void;
  readonly size: number;
  /** Robots that several connections have said hello for: one has come back, or two fleets have the same names. */
  readonly sharedRobots: number;
  readonly depths: { readonly messages: number; readonly bytes: number };
}

export function createFleetHub(logger: Logger): FleetHub {
  const connections = new Set<FleetConnection>();
  /** In order of their hellos. Those before the last may ask and report too, and are told once the last has gone. */
  const byRobot = new Map<string, Set<FleetConnection>>();
  let sharedRobots = 0;

  const toRobot = (warehouseId: string, robotId: string, message: ToFleetMessage): void => {
    const connections = [...(byRobot.get(robotKey(warehouseId, robotId)) ?? [])];
    connections.findLast(({ isOpen }) => isOpen)?.send(message);
  };
  const toWarehouse = (warehouseId: string, message: ToFleetMessage): void => {
    for (const connection of connections)
      if (connection.warehouses.has(warehouseId)) connection.send(message);
  };
  return {
    add: (connection) => void connections.add(connection),
    remove(connection) {
      connections.delete(connection);
      for (const key of connection.speaksFor) {
        const others = byRobot.get(key);
        if (!others?.delete(connection)) continue;
        if (others.size === 1) sharedRobots--;
        if (others.size === 0) byRobot.delete(key);
      }
    },
    bind(connection, { warehouseId, robots }) {
      connection.warehouses.add(warehouseId);
      const sharedBefore = sharedRobots;
      for (const { robotId } of robots) {
        const key = robotKey(warehouseId, robotId);
        connection.warehouseOf.set(robotId, warehouseId);
        connection.speaksFor.add(key);
        const others = byRobot.get(key) ?? new Set();
        if (!others.delete(connection) && others.size === 1) sharedRobots++;
        byRobot.set(key, others.add(connection));
      }
      const shared = sharedRobots - sharedBefore;
      if (shared > 0) {
        const context = { connectionId: connection.connectionId, warehouseId, robots: shared };
        logger.info(
          context,
          'another open connection speaks for robots of this hello; this one is told of them',
        );
      }
    },
    push(event) {
      const { kind, warehouseId } = event;
      switch (kind) {
        case 'route.updated':
        case 'route.held':
          return toRobot(warehouseId, event.message.robotId, event.message);
        case 'route.expired': {
          const { robotId, ...message } = event.message;
          return toRobot(warehouseId, robotId, message);
        }
        case 'policy.updated':
          return toWarehouse(warehouseId, { type: kind, warehouseId, policyVersion: event.policyVersion });
        case 'weights.updated':
          return toWarehouse(warehouseId, { type: kind, warehouseId, weights: event.weights });
        case 'route.scored':
        case 'mode.updated':
        case 'lane.updated':
        case 'learner.failed':
        case 'learner.restarted':
        case 'upkeep.failed':
        case 'policy.rolledBack':
        case 'policy.resumed':
          return;
      }
    },
    beat() {
      for (const connection of connections) {
        if (connection.ping()) continue;
        logger.info({ connectionId: connection.connectionId }, 'connection ended: it answered no ping');
        connection.terminate();
      }
    },
    dropCredentials(isInForce) {
      for (const connection of connections) {
        if (isInForce(connection.credential)) continue;
        connection.close(CLOSE.policyViolation, 'the token holds no longer');
      }
    },
    idle: async () => void (await Promise.all([...connections].map(({ queues }) => queues.idle()))),
    close() {
      for (const connection of connections) connection.close(CLOSE.goingAway, 'the server is stopping');
    },
    get size() {
      return connections.size;
    },
    get sharedRobots() {
      return sharedRobots;
    },
    get depths() {
      let messages = 0;
      let bytes = 0;
      for (const connection of connections) {
        messages += connection.queues.depth;
        bytes += connection.bufferedBytes;
      }
      return { messages, bytes };
    },
  };
}
