import { createLatencies, type Latencies, type LatencySummary } from '../sim/latencies.js';

/**
 * Latencies run from the moment a message was due, not from when it was sent: a server that stalls
 * pays for everything that fell due meanwhile (no coordinated omission). Milliseconds.
 */
export interface FleetLoadResult {
  /** `route.request` due to `route.assigned`. */
  readonly request: LatencySummary;
  /** `route.progress` due until the server has handled it: the pong of a ping sent behind it. */
  readonly progress: LatencySummary;
  /** `route.completed` due to `route.scored`. */
  readonly completion: LatencySummary;
  /** How late this driver itself was with what it sent: part of the figures above, and not the server's. */
  readonly driverLateness: LatencySummary;
  readonly messagesPerSecond: number;
  readonly learnt: number;
  /** Orders that fell due when no robot was free: the fleet, not the server, was too small. */
  readonly withoutRobot: number;
  readonly unanswered: number;
  /** Refusals by code, `not learnt: <code>`, and `interrupted` for routes that the server changed or held. */
  readonly errors: Readonly<Record<string, number>>;
}

/** What is counted while a fleet drives. */
export interface Tally {
  readonly request: Latencies;
  readonly progress: Latencies;
  readonly completion: Latencies;
  readonly driverLateness: Latencies;
  readonly errors: Record<string, number>;
  sent: number;
  learnt: number;
  withoutRobot: number;
  count(error: string): void;
  result(seconds: number, unanswered: number): FleetLoadResult;
}

export function createTally(): Tally {
  const tally: Tally = {
    request: createLatencies(),
    progress: createLatencies(),
    completion: createLatencies(),
    driverLateness: createLatencies(),
    errors: {},
    sent: 0,
    learnt: 0,
    withoutRobot: 0,
    count: (error) => void (tally.errors[error] = (tally.errors[error] ?? 0) + 1),
    result: (seconds, unanswered) => ({
      request: tally.request.summary(),
      progress: tally.progress.summary(),
      completion: tally.completion.summary(),
      driverLateness: tally.driverLateness.summary(),
      messagesPerSecond: Math.round(tally.sent / seconds),
      learnt: tally.learnt,
      withoutRobot: tally.withoutRobot,
      unanswered,
      errors: tally.errors,
    }),
  };
  return tally;
}
