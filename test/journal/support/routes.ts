import { zeroComponents } from '../../../src/domain/components.js';
import type { RouteRequestContent, RouteScoredContent, Trace } from '../../../src/domain/messages.js';
import { contentHash } from '../../../src/journal/canonical.js';
import type { NewRecord } from '../../../src/journal/records.js';
import type { RouteEntry } from '../../../src/journal/routeEntry.js';

export const SITE = 'site';

export function request(robotId: string, requestId: string, to = 'b'): RouteRequestContent {
  return { requestId, robotId, from: 'a', stops: [to] };
}

const PLAN = {
  stopOrder: [0],
  stopIndexes: [1],
  nodes: ['a', 'b'],
  etaSeconds: [0, 1],
  expected: zeroComponents(),
  why: { freeFlowSeconds: 1, pricedCost: 1, shortestPricedCost: 1, served: 'priced' as const },
};

export function issued(routeId: string, of: RouteRequestContent, at = 1): NewRecord<'route.issued'> {
  const { requestId, robotId } = of;
  const head = { requestId, routeId, robotId, revision: 0, mapVersion: 'm1', policyVersion: 'v1' };
  return {
    at,
    warehouseId: SITE,
    kind: 'route.issued',
    payload: {
      ...{ routeId, robotId, requestId, robotType: 'agv', request: of, rowLength: 0 },
      requestHash: contentHash(of),
      answer: { ...head, ...PLAN },
    },
  };
}

export function revised(entry: RouteEntry, at = 2): NewRecord<'route.revised'> {
  const { routeId, robotId } = entry;
  const revision = entry.revision + 1;
  const answer = { routeId, robotId, revision, reason: 'deviated' as const, policyVersion: 'v1', ...PLAN };
  const payload = { routeId, revision, answer, rowLength: 0 };
  return { at, warehouseId: SITE, kind: 'route.revised', payload };
}

export function held(entry: RouteEntry, at = 3): NewRecord<'route.held'> {
  const { routeId, robotId } = entry;
  const revision = entry.revision + 1;
  const answer = { routeId, robotId, revision, node: 'a', reason: 'no way' };
  const payload = { routeId, revision, answer, heldFrom: entry.heldFrom ?? at };
  return { at, warehouseId: SITE, kind: 'route.held', payload };
}

export function trace(arrivedAt: number): Trace {
  return [
    ['a', 0, 1],
    ['b', arrivedAt, null],
  ];
}

/** Scores by the trace's last arrival, so that an answer shows which trace it came from. */
export function completed(entry: RouteEntry, of: Trace, at = 4): NewRecord<'route.completed'> {
  const { routeId, robotId, state } = entry;
  const scored: RouteScoredContent = {
    ...{
      routeId,
      score: -(of.at(-1)?.[1] ?? 0),
      ratio: 1,
      components: zeroComponents(),
      regretSeconds: null,
    },
    learnt: state === 'issued',
  };
  const payload = {
    routeId,
    robotId,
    traceHash: contentHash(of),
    trace: of,
    scored,
    firstRow: 0,
    rowLength: 0,
  };
  return { at, warehouseId: SITE, kind: 'route.completed', payload };
}

/** As the wire sends it. */
export function report(routeId: string, of: Trace) {
  return { routeId, trace: of.map((entry) => [...entry] as (typeof of)[number]) };
}
