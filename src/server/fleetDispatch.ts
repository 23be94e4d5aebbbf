import type { Logger } from 'pino';
import { AppError, isAppError, isDefect, type ErrorCode } from '../domain/errors.js';
import { LIMITS } from '../domain/limits.js';
import type {
  FromFleetMessage,
  HelloMessage,
  RouteRequestContent,
  RouteRequestMessage,
  ToFleetMessage,
  WelcomeMessage,
} from '../domain/messages.js';
import { addressee, lookUpAddressee, type Addressee, type RobotMessage } from './addressee.js';
import type { FleetConnection } from './fleetConnection.js';
import type { RoutingService } from '../domain/serviceContract.js';
import { requireRobot, requireWarehouse } from './tokens.js';
import { errorMessage, readMessage, referencesOf } from './wireMessages.js';

export interface FleetDispatch {
  /** Answers one message of a connection, whatever it holds; never throws. False where it could not be read. */
  receive(connection: FleetConnection, bytes: Buffer, isBinary: boolean): boolean;
}

/** `bind` is told which robots a connection now speaks for; `stopping` refuses what comes. */
export function createFleetDispatch(options: {
  readonly service: RoutingService;
  readonly logger: Logger;
  readonly bind: (connection: FleetConnection, message: HelloMessage) => void;
  readonly stopping: () => boolean;
  readonly onDefect: (error: unknown) => void;
  /** Told of each message that is answered with an error. */
  readonly refused: (code: ErrorCode) => void;
}): FleetDispatch {
  const { service, logger, bind, stopping, onDefect, refused } = options;

  const refuse = (connection: FleetConnection, thrown: unknown, message: unknown): void => {
    const references = referencesOf(message);
    const error = expected(thrown);
    const context = { connectionId: connection.connectionId, ...references, code: error.code };
    if (isDefect(error)) {
      logger.error({ ...context, reference: error.references['reference'], err: thrown }, 'message failed');
      onDefect(thrown);
    } else logger.debug(context, 'refused');
    refused(error.code);
    connection.send(errorMessage(error, references));
  };
  const serve = (
    connection: FleetConnection,
    { robotId, warehouseId }: Addressee,
    message: RobotMessage,
  ): Promise<void> | void => {
    try {
      return perform(service, warehouseId, message)?.then(
        (answer) => {
          logger.debug({ robotId, warehouseId, ...referencesOf(answer) }, answer.type);
          connection.send(answer);
        },
        (error: unknown) => refuse(connection, error, message),
      );
    } catch (error) {
      refuse(connection, error, message);
    }
  };
  const take = (connection: FleetConnection, message: FromFleetMessage, size: number): void => {
    try {
      if (stopping()) throw new AppError('E_SHUTTING_DOWN');
      if (message.type === 'hello') return connection.send(sayHello(service, connection, message, bind));
      const found = addressee(service, connection, message);
      const { queues } = connection;
      if (found.kind === 'robot') {
        return queues.run(found.robotId, size, () => serve(connection, found, message));
      }
      queues.run(`route ${found.routeId}`, size, () =>
        lookUpAddressee(service, connection, found.routeId)
          .then((robot) => queues.moveTo(robot.robotId, size, () => serve(connection, robot, message)))
          .catch((error: unknown) => refuse(connection, error, message)),
      );
    } catch (error) {
      refuse(connection, error, message);
    }
  };
  return {
    receive(connection, bytes, isBinary) {
      const read = readMessage(bytes, isBinary, () => connection.explains());
      if (read.kind === 'message') {
        take(connection, read.message, bytes.length);
        return true;
      }
      logger.debug({ connectionId: connection.connectionId, code: read.error.code }, 'refused');
      refused(read.error.code);
      connection.send(errorMessage(read.error, read.references));
      return false;
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
  const limit = LIMITS.webSocketMessageBytes;
  if (bytesOfNodes(welcome) > limit) throw new AppError('E_TOO_LARGE', { limit });
  bind(connection, message);
  return welcome;
}

/** Nearly all of a welcome are the nodes of open routes: counted before anything that long is written. */
function bytesOfNodes({ openRoutes }: WelcomeMessage): number {
  let bytes = 0;
  for (const { nodes } of openRoutes) for (const node of nodes) bytes += node.length + 3;
  return bytes;
}

/** The answer of a message, or nothing where it has none. */
function perform(
  service: RoutingService,
  warehouseId: string,
  message: RobotMessage,
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
