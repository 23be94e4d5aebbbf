import { busy } from '../domain/errors.js';
import { LIMITS } from '../domain/limits.js';

type Task = () => Promise<void> | void;

/**
 * Work of one connection, in order for each robot and free between robots: one robot's commit
 * never keeps another waiting.
 */
export interface RobotQueues {
  /**
   * Runs the task now, or after what this robot still has under way.
   * @param bytes of the message that it holds
   * @throws E_BUSY beyond a limit
   */
  run(robotId: string, bytes: number, task: Task): void;
  /**
   * The same for a message that turned out, in its task, to be about this robot: it was let in then, and leaves that
   * queue with its task, so that no limit is asked again.
   */
  moveTo(robotId: string, bytes: number, task: Task): void;
  readonly depth: number;
  /** Settles when nothing is under way. */
  idle(): Promise<void>;
}

/** Bytes of messages waiting and under way on all connections together. */
export interface SharedBytes {
  readonly limit: number;
  held: number;
}

export function createSharedBytes(limit: number = LIMITS.messageBytesWaiting): SharedBytes {
  return { limit, held: 0 };
}

interface Waiting {
  readonly task: Task;
  readonly bytes: number;
}

interface ConnectionLimits {
  readonly messages: number;
  readonly bytes: number;
}

const CONNECTION_LIMITS: ConnectionLimits = {
  messages: LIMITS.webSocketMessagesWaiting,
  bytes: LIMITS.webSocketBytesWaiting,
};

/** Limits count what waits and what is under way. Tasks handle their own errors: a rejection is a defect. */
export function createRobotQueues(shared: SharedBytes, limits = CONNECTION_LIMITS): RobotQueues {
  const waiting = new Map<string, Waiting[]>();
  let depth = 0;
  let held = 0;
  let idleListeners: (() => void)[] = [];

  const begin = (bytes: number): void => {
    depth++;
    held += bytes;
    shared.held += bytes;
  };
  const finish = (bytes: number): void => {
    depth--;
    held -= bytes;
    shared.held -= bytes;
    if (depth > 0) return;
    for (const listener of idleListeners) listener();
    idleListeners = [];
  };
  /** Runs the task, then what came behind it, also where it fails: nobody waits for a message that is gone. */
  const drain = async (robotId: string, { task, bytes }: Waiting, behind: Waiting[]): Promise<void> => {
    try {
      await task();
    } finally {
      finish(bytes);
      const next = behind.shift();
      if (next === undefined) waiting.delete(robotId);
      else void drain(robotId, next, behind);
    }
  };
  const start = (robotId: string, bytes: number, task: Task): void => {
    const queue = waiting.get(robotId);
    if (queue !== undefined) {
      begin(bytes);
      queue.push({ task, bytes });
      return;
    }
    const work = task();
    if (work === undefined) return;
    begin(bytes);
    const behind: Waiting[] = [];
    waiting.set(robotId, behind);
    void drain(robotId, { task: () => work, bytes }, behind);
  };
  return {
    run(robotId, bytes, task) {
      if (depth >= limits.messages) throw busy(limits.messages, 'messages of this connection');
      if (held + bytes > limits.bytes) throw busy(limits.bytes, 'bytes of this connection');
      if (shared.held + bytes > shared.limit) throw busy(shared.limit, 'bytes of all connections');
      start(robotId, bytes, task);
    },
    moveTo: start,
    get depth() {
      return depth;
    },
    idle: () => (depth === 0 ? Promise.resolve() : new Promise((resolve) => idleListeners.push(resolve))),
  };
}
