import type { LaneGraph } from '../../src/warehouse/laneGraph.js';
import { abortAfter } from '../abortAfter.js';
import { NO_DISTURBANCES } from '../disturbances.js';
import { withHandling } from '../handling.js';
import { measureLink, type LinkMeasures } from '../measuredLink.js';
import { createOrderJobs } from '../orders/orderJobs.js';
import { DEFAULT_STREAM, generateOrders } from '../orders/orderGenerator.js';
import { runFleet, typesInTurn, type RunView } from '../run.js';
import { readServerLatencies, type Quantiles } from '../serverMetrics.js';
import type { ServerProcess } from '../serverProcess.js';
import { openSocketLink, type SocketLink } from '../socketLink.js';
import { createPickingTimes, type PickingTimes } from './pickingTimes.js';

/** The three ways of pricing that the demo compares, each on a fresh server, in this order. */
export const PHASES = [
  { name: 'shortest', title: 'shortest path', serve: ['--mode', 'off'] },
  { name: 'flow', title: 'hand-made price', serve: ['--mode', 'off', '--price', 'flow'] },
  { name: 'learned', title: 'learned from cold', serve: ['--mode', 'learn', '--cold'] },
] as const;
export type Phase = (typeof PHASES)[number];

/** The work, the same in every phase: orders of one to eight picks, all of them waiting from the start. */
export const WORK = { handling: { least: 5, most: 10 }, ordersPerHour: 1_000_000, orderSeconds: 60 } as const;
const SOCKETS = 4;
const METRICS_MILLISECONDS = 1000;

export interface PhaseOptions {
  readonly graph: LaneGraph;
  readonly robots: number;
  readonly seed: number;
  readonly steps: number;
  readonly speedUp: number;
  /** Wall milliseconds after which the phase ends, however far it is; Infinity: never. */
  readonly wallMilliseconds: number;
  readonly server: ServerProcess;
  readonly onView: (view: PhaseView) => void;
  readonly signal: AbortSignal;
}

export interface PhaseView extends RunView {
  readonly policyVersion: string;
  readonly outcomeToServed: Quantiles | null;
  readonly picking: PickingTimes;
}

export interface PhaseResult {
  readonly steps: number;
  readonly floorSeconds: number;
  readonly speedUp: number;
  readonly picking: PickingTimes;
  readonly policyVersion: string;
  readonly updatesApplied: number;
  readonly outcomeToServed: Quantiles;
  readonly plan: Quantiles;
  readonly link: LinkMeasures;
}

/**
 * Drives the fleet against the phase's server through the real socket.
 * @throws what the server refuses; null where `signal` is aborted, at once
 */
export async function runPhase(options: PhaseOptions): Promise<PhaseResult | null> {
  const { graph, seed, server } = options;
  let policyVersion = '';
  const socket = await openSocketLink({
    target: server.target,
    warehouseId: graph.warehouseId,
    sockets: SOCKETS,
    onPolicy: (version) => (policyVersion = version),
  });
  const picking = createPickingTimes();
  const metrics = watchMetrics(socket, graph.warehouseId);
  const timeUp = abortAfter(options.wallMilliseconds, options.signal);
  try {
    policyVersion = (await socket.api.summary()).policyVersion;
    const robotTypes = typesInTurn(graph, options.robots);
    const startAt = socket.serverTime;
    const { ordersPerHour, orderSeconds: durationSeconds } = WORK;
    const stream = { ...DEFAULT_STREAM, zipfExponent: 0, hotZones: 0, seed, ordersPerHour, durationSeconds };
    const orders = [...generateOrders(graph, stream)];
    const run = runFleet({
      ...{ graph, robotTypes, seed, startAt, steps: options.steps, speedUp: options.speedUp },
      link: measureLink(socket, graph),
      jobs: withHandling(createOrderJobs({ graph, robotTypes, startAt, orders }), WORK.handling, seed),
      asking: 'background',
      disturbances: NO_DISTURBANCES,
      signal: timeUp.signal,
      onFinished: (tour) => picking.add(tour, startAt),
      onStep: (view) =>
        options.onView({ ...view, policyVersion, outcomeToServed: metrics.latest(), picking }),
    });
    const result = await Promise.race([run, untilAborted(options.signal)]);
    if (result === null) return null;
    const summary = await socket.api.summary();
    const { plan, outcomeToServed } = readServerLatencies(await socket.api.metrics(), graph.warehouseId);
    const { steps, stepSeconds, speedUp, link } = result;
    return {
      ...{ steps, floorSeconds: steps * stepSeconds, speedUp, picking, plan, outcomeToServed, link },
      policyVersion: summary.policyVersion,
      updatesApplied: summary.updatesApplied,
    };
  } finally {
    timeUp.release();
    metrics.stop();
    await socket.close();
  }
}

/** Ctrl-C ends the server as well: what it was asked by then would be waited for until a link's patience is over. */
function untilAborted(signal: AbortSignal): Promise<null> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(null);
    else signal.addEventListener('abort', () => resolve(null), { once: true });
  });
}

function watchMetrics(socket: SocketLink, warehouseId: string) {
  let latest: Quantiles | null = null;
  const timer = setInterval(() => {
    socket.api.metrics().then(
      (text) => (latest = readServerLatencies(text, warehouseId).outcomeToServed),
      // The run itself ends with the reason when the server is gone.
      () => (latest = null),
    );
  }, METRICS_MILLISECONDS);
  return { latest: () => latest, stop: () => clearInterval(timer) };
}
