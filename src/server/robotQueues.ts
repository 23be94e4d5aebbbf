import { AppError } from '../domain/errors.js';
import { LIMITS } from '../domain/limits.js';

type Task = () => Promise<void> | void;

/**
 * Work of one connection, in order for each robot and free between robots: one robot's commit
 * never keeps another waiting.
 */
export interface RobotQueues {
  /** Runs the task now, or after what this robot still has under way. @throws E_BUSY beyond the limit. */
  run(robotId: string, task: Task): void;
  readonly depth: number;
  /** Settles when nothing is under way. */
  idle(): Promise<void>;
}

/** `limit` counts tasks waiting and under way. Tasks handle their own errors: a rejection is a defect. */
export function createRobotQueues(limit: number = LIMITS.webSocketMessagesWaiting): RobotQueues {
  const waiting = new Map<string, Task[]>();
  let depth = 0;
  let idleListeners: (() => void)[] = [];

  const finish = (): void => {
    depth--;
    if (depth > 0) return;
    for (const listener of idleListeners) listener();
    idleListeners = [];
  };
  const drain = async (robotId: string, first: Promise<void>, queue: Task[]): Promise<void> => {
    try {
      await first;
      finish();
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        await next();
        finish();
      }
    } finally {
      waiting.delete(robotId);
    }
  };
  return {
    run(robotId, task) {
      if (depth >= limit) {
        throw new AppError('E_BUSY', {
          limit,
          what: 'messages of this connection',
          retryAfterSeconds: LIMITS.busyRetryAfterSeconds,
        });
      }
      const queue = waiting.get(robotId);
      if (queue !== undefined) {
        depth++;
        queue.push(task);
        return;
      }
      const work = task();
      if (work === undefined) return;
      depth++;
      const behind: Task[] = [];
      waiting.set(robotId, behind);
      void drain(robotId, work, behind);
    },
    get depth() {
      return depth;
    },
    idle: () => (depth === 0 ? Promise.resolve() : new Promise((resolve) => idleListeners.push(resolve))),
  };
}
