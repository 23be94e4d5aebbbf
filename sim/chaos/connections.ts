import { isAppError, type ErrorCode } from '../../src/domain/errors.js';
import type { RoutingService, ServiceEvent } from '../../src/domain/serviceContract.js';
import type { Random } from '../../src/platform/random.js';
import type { ChaosNetwork } from './chaosNetwork.js';
import type { ChaosProcess } from './chaosProcess.js';
import type { Answered, ChaosRobot } from './chaosRobot.js';
import type { Checks, Recipient } from './checks.js';
import type { Schedule } from './schedule.js';

/** What lies between robots and the process: messages under way, and connections that are cut and made again. */
export interface Connections {
  /** Carries a question there and its answer back, if both get through and the process lives that long. */
  readonly ask: <Answer>(
    robot: number,
    question: (service: RoutingService) => Promise<Answer> | Answer,
    leaves: (answer: Answer) => void,
    answered: Answered<Answer>,
  ) => void;
  /** An event of the service, to the robot that it is about. */
  readonly push: (event: ServiceEvent) => void;
  readonly cut: (robot: number, milliseconds?: number) => void;
  readonly cutAll: () => void;
  /** A number that no message has had. */
  readonly nextNumber: () => number;
}

/** Robots connect again so long after they were cut off, at most. */
const RECONNECT_MILLISECONDS = 3_000;
/** Refusals that no sane robot may meet: what it names was told to it. */
const NEVER: readonly ErrorCode[] = [
  ...(['E_UNKNOWN_ROUTE', 'E_COMPLETION_CONFLICT', 'E_NOT_YOUR_ROUTE', 'E_UNKNOWN_REVISION'] as const),
  ...(['E_REQUEST_CONFLICT', 'E_INTERNAL', 'E_BAD_MESSAGE', 'E_UNKNOWN_NODE', 'E_TOO_LARGE'] as const),
];

export function createConnections(options: {
  readonly schedule: Schedule;
  readonly network: ChaosNetwork;
  readonly random: Random;
  readonly checks: Checks;
  readonly robots: readonly ChaosRobot[];
  readonly recipient: (robot: number) => Recipient;
  /** The process that runs, or null. */
  readonly running: () => ChaosProcess | null;
}): Connections {
  const { schedule, network, random, checks, robots, recipient, running } = options;
  const sessions = new Map<number, number>();
  let messages = 0;

  const cut = (robot: number, milliseconds = 0): void => {
    const session = (sessions.get(robot) ?? 0) + 1;
    sessions.set(robot, session);
    robots[robot]!.connect(false);
    const lot = random.fork(`reconnect ${robot} ${session}`).next();
    schedule.after(milliseconds + RECONNECT_MILLISECONDS * lot, () => {
      if (session !== sessions.get(robot)) return;
      if (running()) robots[robot]!.connect(true);
      else cut(robot);
    });
  };

  return {
    cut,
    cutAll: () => robots.forEach((_robot, index) => cut(index)),
    nextNumber: () => messages++,
    ask<Answer>(
      robot: number,
      question: (service: RoutingService) => Promise<Answer> | Answer,
      leaves: (answer: Answer) => void,
      answered: Answered<Answer>,
    ) {
      const session = sessions.get(robot);
      const name = `${robot} ${messages++}`;
      const carryBack = (deliver: () => void): void =>
        network.carry(
          `back ${name}`,
          () => {
            if (session === sessions.get(robot)) deliver();
          },
          () => cut(robot),
        );
      const arrive = (): void => {
        const asked = running();
        if (!asked || session !== sessions.get(robot)) return;
        // Called in here, so that what throws and what rejects come out alike.
        new Promise<Answer>((resolve) => resolve(question(asked.service))).then(
          (answer) => {
            if (asked !== running()) return;
            checks.guard(() => leaves(answer));
            carryBack(() => answered.ok(answer));
          },
          (error: unknown) => {
            if (asked !== running()) return;
            if (!isAppError(error)) checks.report('S1', `robot ${robot} got ${(error as Error).stack}`);
            else if (NEVER.includes(error.code)) checks.report('S1', `robot ${robot} got ${error.message}`);
            else carryBack(() => answered.refused(error));
          },
        );
      };
      network.carry(name, arrive, () => undefined);
    },
    push(event) {
      if (event.kind !== 'route.updated' && event.kind !== 'route.held') return;
      const { message } = event;
      const robot = Number(message.robotId.split('-')[1]);
      if (!robots[robot]) return;
      checks.guard(() => {
        if (message.type === 'route.updated') checks.updated(recipient(robot), message);
        else checks.held(recipient(robot), message);
      });
      const session = sessions.get(robot);
      network.carry(
        `push ${robot} ${messages++}`,
        () => {
          if (session === sessions.get(robot)) robots[robot]!.update(message);
        },
        () => cut(robot),
      );
    },
  };
}
