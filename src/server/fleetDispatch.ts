import type { Logger } from 'pino';
import { AppError, isAppError } from '../domain/errors.js';
import type {
  FromFleetMessage,
  HelloMessage,
  RouteRequestContent,
  RouteRequestMessage,
  ToFleetMessage,
} from '../domain/messages.js';
import type { RoutingService } from '../domain/serviceContract.js';
import type { FleetConnection } from './fleetConnection.js';
import { requireRobot, requireWarehouse } from './tokens.js';
import { errorMessage, readMessage, referencesOf } from './wireMessages.js';

export interface FleetDispatch {
  /** Answers one message of a connection, whatever it holds; never throws. */
  receive(connection: FleetConnection, bytes: Buffer, isBinary: boolean): void;
}

/** `bind` is told which robots a connection now speaks for; `stopping` refuses what comes. */
export function createFleetDispatch(options: {
  readonly service: RoutingService;
  readonly logger: Logger;
  readonly bind: (connection: FleetConnection, message: HelloMessage) => void;
  readonly stopping: () => boolean;
  readonly onDefect: (error: unknown) => void;
}): FleetDispatch {
  const { service, logger, bind, stopping, onDefect } = options;

  const refuse = (connection: FleetConnection, thrown: unknown, message: unknown): void => {
    const references = referencesOf(message);
    const error = expected(thrown);
    const context = { connectionId: connection.connectionId, ...references, code: error.code };
    if (error === thrown) logger.debug(context, 'refused');
    else {
      logger.error({ ...context, reference: error.references['reference'], err: thrown }, 'message failed');
      onDefect(thrown);
    }
    connection.send(errorMessage(error, references));
  };
  return {
    receive(connection, bytes, isBinary) {
      const read = readMessage(bytes, isBinary);
      if (read.kind === 'refused') {
        logger.debug({ connectionId: connection.connectionId, code: read.error.code }, 'refused');
        return connection.send(errorMessage(read.error, read.references));
      }
      const { message } = read;
      try {
        if (stopping()) throw new AppError('E_SHUTTING_DOWN');
        if (message.type === 'hello') return connection.send(sayHello(service, connection, message, bind));
        const { robotId, warehouseId } = addressee(service, connection, message);
        connection.queues.run(robotId, () => {
          try {
            const answer = perform(service, warehouseId, message);
            if (answer === undefined) return;
            return answer.then(
              (value) => {
                logger.debug({ robotId, warehouseId, ...referencesOf(value) }, value.type);
                connection.send(value);
              },
              (error: unknown) => refuse(connection, error, message),
            );
          } catch (error) {
            refuse(connection, error, message);
          }
        });
      } catch (error) {
        refuse(connection, error, message);
      }
    },
  };
}

let defects = 0;

function expected(thrown: unknown): AppError {
  if (isAppError(thrown)) return thrown;
  return new AppError('E_INTERNAL', { reference: `message-${process.pid}-${++defects}` }, thrown);
}

function sayHello(
  service: RoutingService,
  connection: FleetConnection,
  message: HelloMessage,
  bind: (connection: FleetConnection, message: HelloMessage) => void,
): ToFleetMessage {
  requireWarehouse(connection.credential, message.warehouseId);
  for (const { robotId } of message.robots) requireRobot(connection.credential, robotId);
  const welcome = service.hello(message);
  bind(connection, message);
  return welcome;
}

/** The robot that a message is about and its warehouse; it must have said hello on this connection. */
function addressee(
  service: RoutingService,
  connection: FleetConnection,
  message: Exclude<FromFleetMessage, HelloMessage>,
): { robotId: string; warehouseId: string } {
  if ('robotId' in message) {
    const warehouseId = connection.warehouseOf.get(message.robotId);
    if (warehouseId === undefined) {
      const known = [...connection.warehouses][0] ?? 'its own';
      throw new AppError('E_HELLO_FIRST', { warehouseId: known, robotId: message.robotId });
    }
    return { robotId: message.robotId, warehouseId };
  }
  const { routeId } = message;
  if (connection.warehouses.size === 0) {
    throw new AppError('E_HELLO_FIRST', { warehouseId: 'its own', robotId: `of route ${routeId}` });
  }
  const found = findRoute(service, connection.warehouses, routeId);
  if (connection.warehouseOf.get(found.robotId) !== found.warehouseId) {
    throw new AppError('E_NOT_YOUR_ROUTE', { routeId });
  }
  return found;
}

function findRoute(
  service: RoutingService,
  warehouses: ReadonlySet<string>,
  routeId: string,
): { robotId: string; warehouseId: string } {
  for (const warehouseId of warehouses) {
    try {
      return { robotId: service.robotOf(warehouseId, routeId), warehouseId };
    } catch (error) {
      if (!isAppError(error) || error.code !== 'E_UNKNOWN_ROUTE') throw error;
    }
  }
  throw new AppError('E_UNKNOWN_ROUTE', { routeId });
}

/** The answer of a message, or nothing where it has none. */
function perform(
  service: RoutingService,
  warehouseId: string,
  message: Exclude<FromFleetMessage, HelloMessage>,
): Promise<ToFleetMessage> | undefined {
  switch (message.type) {
    case 'robot.state':
      service.robotState(warehouseId, message);
      return undefined;
    case 'route.progress':
      service.routeProgress(warehouseId, message);
      return undefined;
    case 'route.request':
      return service
        .requestRoute(warehouseId, withoutType(message))
        .then((assigned) => ({ type: 'route.assigned', ...assigned }));
    case 'route.deviated':
      return service.routeDeviated(warehouseId, message);
    case 'route.completed': {
      const { routeId, trace } = message;
      return service
        .completeRoute(warehouseId, { routeId, trace })
        .then((scored) => ({ type: 'route.scored', ...scored }));
    }
    case 'route.cancelled':
      return service.cancelRoute(warehouseId, message);
  }
}

/** The request as HTTP takes it, so that both are the same content. */
function withoutType(message: RouteRequestMessage): RouteRequestContent {
  const content: RouteRequestContent & { type?: string } = { ...message };
  delete content.type;
  return content;
}
