import { monotonicMilliseconds } from '../../src/platform/clock.js';
import type { LaneGraph } from '../../src/warehouse/laneGraph.js';
import { startServerProcess, type ServerProcess } from '../serverProcess.js';
import { PHASES, runPhase, type PhaseResult } from './phase.js';
import { summarise, type DemoSummary } from './summary.js';
import type { DemoScreen } from './view.js';

export interface DemoOptions {
  readonly graph: LaneGraph;
  /** The same map as a file, for the servers. */
  readonly map: string;
  readonly robots: number;
  readonly seed: number;
  readonly minutes: number;
  readonly speedUp: number;
  readonly screen: DemoScreen;
  readonly signal: AbortSignal;
  /** Told when all is measured, while the last server still runs. */
  readonly onDone: (outcome: DemoOutcome) => void;
  /** The last server is stopped after this. */
  readonly beforeLastStop: (server: ServerProcess) => Promise<void>;
}

export interface DemoOutcome {
  readonly summary: DemoSummary;
  readonly results: readonly PhaseResult[];
}

/** Seconds that a server takes to come up and go, of the time that a phase has. */
const CHANGE_SECONDS = 4;
/** A machine that does not keep up has the first phase run so much over its share before it is cut short. */
const PATIENCE = 1.15;

/**
 * The same fleet, orders and starts three times: on shortest paths, by a hand-made price, and learned from
 * nothing. Where the machine is slow, the first phase ends when its share
 * of the minutes is over, and the others go as far on the floor as it came.
 * @throws E_LINK_LOST, E_USAGE and what else a server refuses; null where it was interrupted
 */
export async function runDemo(options: DemoOptions): Promise<DemoOutcome | null> {
  const { graph, seed, robots, speedUp, screen, signal } = options;
  const startedAt = monotonicMilliseconds();
  const phaseSeconds = Math.max(5, (60 * options.minutes) / PHASES.length - CHANGE_SECONDS);
  let floorSeconds = speedUp * phaseSeconds;
  const results: PhaseResult[] = [];
  let backend = '';
  for (const [at, phase] of PHASES.entries()) {
    screen.starting(phase);
    const server = await startServerProcess(['--map', options.map, '--driven-clock', ...phase.serve]);
    backend = server.backend;
    try {
      const steps = Math.max(1, Math.round(floorSeconds / stepSecondsOf(results)));
      const wallMilliseconds = at === 0 ? 1000 * PATIENCE * phaseSeconds : Infinity;
      const phaseAt = monotonicMilliseconds();
      const shareDone = (step: number): number =>
        Math.max(step / steps, (monotonicMilliseconds() - phaseAt) / wallMilliseconds);
      const result = await runPhase({
        ...{ graph, robots, seed, speedUp, server, signal, steps, wallMilliseconds },
        onView: (view) => screen.show(view, shareDone(view.step)),
      });
      if (result === null) return null;
      results.push(result);
      screen.finished(result);
      floorSeconds = Math.min(floorSeconds, result.floorSeconds);
      if (at < PHASES.length - 1) continue;
      screen.end();
      const wallSeconds = (monotonicMilliseconds() - startedAt) / 1000;
      const head = { warehouseId: graph.warehouseId, robots, seed, backend, wallSeconds };
      const outcome = { summary: summarise(head, results), results };
      options.onDone(outcome);
      await options.beforeLastStop(server);
      return outcome;
    } finally {
      await server.stop();
    }
  }
  return null;
}

/** A second on grids; on metre maps the first phase tells, and then goes on by the wall's clock. */
function stepSecondsOf(results: readonly PhaseResult[]): number {
  const [first] = results;
  return first === undefined || first.steps === 0 ? 1 : first.floorSeconds / first.steps;
}
