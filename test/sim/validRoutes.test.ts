import { describe, expect, it } from 'vitest';
import { createBenchJobs } from '../../sim/benchJobs.js';
import { createFleet } from '../../sim/fleet.js';
import type { FleetLink } from '../../sim/fleetLink.js';
import { createInProcessLink } from '../../sim/inProcessLink.js';
import { openFloor } from '../../sim/randomFloor.js';
import type { RouteAssignedContent } from '../../src/domain/messages.js';
import { verifyRoute } from '../../src/planning/verifyRoute.js';
import { createRandom } from '../../src/platform/random.js';
import type { gridFromText } from '../../src/warehouse/movingAi.js';
import { SITE, startService } from '../service/support/startService.js';

const MAP = `
  ..........
  W.E@E.E@E.
  W.E@E.E@E.
  ..........
  W.E@E.E@E.
  ..........`;
const ROBOTS = 12;
const STEPS = 300;

/** What is wrong with an answer on the floor as it is now; '' for nothing. */
function faultOf(
  graph: ReturnType<typeof gridFromText>,
  plan: Pick<RouteAssignedContent, 'nodes' | 'stopIndexes' | 'etaSeconds' | 'why'>,
): string {
  const nodes = plan.nodes.map((node) => graph.nodeIndexOf.get(node)!);
  if (plan.stopIndexes.length === 0) return nodes.length === 1 ? '' : 'it leads on without a stop';
  const stops = plan.stopIndexes.map((index) => nodes[index]!);
  const claim = { ...plan, nodes, stops, robotType: 0, from: nodes[0]!, cost: plan.why.pricedCost };
  const verdict = verifyRoute(graph, claim);
  return verdict.kind === 'valid' ? '' : `${verdict.fault} at ${verdict.at}`;
}

describe('a fleet in process', () => {
  it(`gets valid routes only, over ${STEPS} steps of closing and opening lanes, and learns from them`, async () => {
    const random = createRandom(21);
    const { service, graph, events } = await startService({ map: MAP, learns: true, robots: [], at: 0 });
    const faults: string[] = [];
    let answers = 0;
    let learnt = 0;
    const inner = createInProcessLink(service, SITE);
    const check = <Plan extends Parameters<typeof faultOf>[1]>(plan: Plan): Plan => {
      answers++;
      // The service's own graph: its closures are those of now.
      const fault = faultOf(graph, plan);
      if (fault) faults.push(fault);
      return plan;
    };
    const link: FleetLink = {
      ...inner,
      requestRoute: async (request) => check(await inner.requestRoute(request)),
      deviated: async (message) => check(await inner.deviated(message)),
      async completed(report) {
        const scored = await inner.completed(report);
        expect([scored.reason, scored.learnt]).toEqual([undefined, true]);
        learnt++;
        return scored;
      },
    };
    service.subscribe((event) => {
      if (event.kind === 'route.updated') check(event.message);
    });
    const robotTypes = new Array<number>(ROBOTS).fill(0);
    const { floor } = openFloor({ graph, robotTypes, random });
    const fleet = createFleet({
      ...{ graph, floor, link, robotTypes, startAt: 0, asking: 'one' },
      jobs: createBenchJobs({ graph, robotTypes, seed: 21, picks: 2 }),
    });
    await fleet.start();
    let closed: { from: string; to: string }[] = [];
    for (let step = 1; step <= STEPS; step++) {
      await fleet.step();
      if (step % 20 === 0) {
        await service.openLanes(SITE, closed);
        const lanes = service.lanes(SITE);
        closed = [lanes[random.integer(lanes.length)]!, lanes[random.integer(lanes.length)]!];
        await service.closeLanes(SITE, closed);
      }
    }
    expect(faults).toEqual([]);
    expect(answers).toBeGreaterThan(200);
    expect(learnt).toBeGreaterThan(30);
    expect(events.some(({ kind }) => kind === 'route.updated')).toBe(true);
    expect(service.warehouse(SITE).updatesApplied).toBeGreaterThan(50);
    // Planned flow is what is left of the open routes, no more and no less.
    const flow = service.lanes(SITE).map(({ plannedFlow }) => plannedFlow);
    expect(Math.min(...flow)).toBeGreaterThanOrEqual(0);
    expect(fleet.refusals()).toBeLessThan(answers / 10);
    await service.close();
  });
});
