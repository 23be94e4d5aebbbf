import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Mode } from '../../src/domain/messages.js';
import { createRandom } from '../../src/platform/random.js';
import { parseWarehouse } from '../../src/warehouse/loadWarehouse.js';
import type { LaneGraph } from '../../src/warehouse/laneGraph.js';
import { createBenchJobs } from '../../sim/benchJobs.js';
import { NO_DISTURBANCES } from '../../sim/disturbances.js';
import { withHandling } from '../../sim/handling.js';
import { createInProcessLink } from '../../sim/inProcessLink.js';
import { createInProcessService } from '../../sim/inProcessService.js';
import { measureLink, type MeasuredLink } from '../../sim/measuredLink.js';
import { runFleet, typesInTurn, type RunOptions } from '../../sim/run.js';
import { readServerLatencies } from '../../sim/serverMetrics.js';
import { openSocketLink } from '../../sim/socketLink.js';
import { listen, type ListeningServer } from './support/listeningServer.js';

const shipped = (name: string): LaneGraph =>
  parseWarehouse(readFileSync(join(import.meta.dirname, '..', '..', 'maps', `${name}.json`), 'utf8')).graph;
const kiva = shipped('kiva-33x36');

type Setting = Partial<RunOptions> & { readonly picks?: number; readonly robots?: number };

function options(graph: LaneGraph, { picks = 0, robots = 60, ...over }: Setting) {
  const robotTypes = typesInTurn(graph, robots);
  const jobs = createBenchJobs({ graph, robotTypes, seed: 5, picks });
  return {
    ...{ graph, robotTypes, startAt: 0, seed: 5, steps: 200, speedUp: Infinity },
    ...{ asking: 'one' as const, disturbances: NO_DISTURBANCES },
    jobs: picks > 0 ? withHandling(jobs, { least: 2, most: 4 }, 5) : jobs,
    ...over,
  };
}

const serviceOf = (graph: LaneGraph, mode: Mode) =>
  createInProcessService({ graph, mode, price: null, backend: 'wasm', random: createRandom(5) });

async function inProcess(graph: LaneGraph, mode: Mode, setting: Setting = {}) {
  const service = await serviceOf(graph, mode);
  const link = measureLink(createInProcessLink(service, graph.warehouseId), graph);
  const result = await runFleet({ ...options(graph, setting), link });
  await service.close();
  return result;
}

describe('a simulated fleet in process', () => {
  const disturbed = { disturbances: { slowShare: 0.1, brokenShare: 0.05, delayShare: 0.05 } };

  it('repeats itself from its seed, disturbances and all', async () => {
    const first = await inProcess(kiva, 'off', disturbed);
    expect((await inProcess(kiva, 'off', disturbed)).runHash).toBe(first.runHash);
    expect((await inProcess(kiva, 'off', { ...disturbed, seed: 6 })).runHash).not.toBe(first.runHash);
    expect(first.tours).toBeGreaterThan(50);
  });

  it('loses time to what goes wrong on the floor', async () => {
    const smooth = await inProcess(kiva, 'off');
    for (const name of ['slowShare', 'brokenShare', 'delayShare'] as const) {
      const rough = await inProcess(kiva, 'off', { disturbances: { ...NO_DISTURBANCES, [name]: 0.3 } });
      expect(rough.throughput, name).toBeLessThan(0.95 * smooth.throughput);
    }
  });

  it('drives tours with handling and turns on a metre map so that every one is learnt from', async () => {
    const graph = shipped('multi-block');
    const result = await inProcess(graph, 'observe', { picks: 3, robots: 40, steps: 1200 });
    expect(result.tours).toBeGreaterThan(40);
    expect(result.notLearnt).toEqual({});
    expect(result.scoreRatio).toBeGreaterThan(0.99);
    expect(result.link).toMatchObject({ invalidRoutes: 0, lostCompletions: 0 });
  });
});

describe('a simulated fleet over the socket', () => {
  let server: ListeningServer | undefined;
  afterEach(async () => {
    await server?.close();
    server = undefined;
  });
  const open = async (mode: Mode, sockets: number, inOrder = false) => {
    server = await listen((observer) =>
      createInProcessService({
        ...{ graph: kiva, mode, price: null, backend: 'wasm', random: createRandom(5), observer },
      }),
    );
    return openSocketLink({
      target: server.target,
      warehouseId: kiva.warehouseId,
      sockets,
      inOrder,
      patienceSeconds: 1,
    });
  };

  it('in lockstep does what it does in process, learning included', async () => {
    const expected = await inProcess(kiva, 'learn');
    const socket = await open('learn', 1, true);
    const result = await runFleet({ ...options(kiva, {}), link: measureLink(socket, kiva) });
    const latencies = readServerLatencies(await socket.api.metrics(), kiva.warehouseId);
    const summary = await socket.api.summary();
    await socket.close();

    expect(Math.abs(result.throughput / expected.throughput - 1)).toBeLessThan(0.03);
    expect(result.runHash).toBe(expected.runHash);
    expect(result.link).toMatchObject({ invalidRoutes: 0, lostCompletions: 0 });
    expect(result.link.completionsSent).toBe(result.tours);
    expect(summary.updatesApplied).toBeGreaterThan(5);
    expect(latencies.plan.count).toBe(result.link.routes);
    expect(latencies.outcomeToServed.count).toBeGreaterThan(50);
  });

  it('goes on while answers are late, and loses nothing', async () => {
    const socket = await open('off', 3);
    const link = measureLink(socket, kiva);
    const paced = options(kiva, { asking: 'background', speedUp: 100, picks: 2, robots: 80 });
    const result = await runFleet({ ...paced, link });
    await socket.close();
    expect(result.tours).toBeGreaterThan(60);
    expect(result.link).toMatchObject({ invalidRoutes: 0, lostCompletions: 0 });
    // In mode off nothing is learnt; no trace was gapped, late or too fast.
    expect(Object.keys(result.notLearnt).filter((why) => why.startsWith('E_'))).toEqual([]);
    expect(socket.strayErrors()).toEqual({});
  });

  it('has a plan for every robot that is pushed off a crowded floor, whoever else asks', async () => {
    const socket = await open('learn', 4);
    const measured = measureLink(socket, kiva);
    let standing = 0;
    const link: MeasuredLink = {
      ...measured,
      deviated: (message) =>
        measured.deviated(message).catch((error: unknown) => {
          standing++;
          throw error;
        }),
    };
    // More than a machine plans for in time: four of ten cells have a robot, and the floor hardly waits for answers.
    const crowd = options(kiva, {
      asking: 'background',
      speedUp: Infinity,
      picks: 2,
      robots: 400,
      steps: 80,
    });
    const result = await runFleet({ ...crowd, link });
    await socket.close();
    expect(result.pushedOff).toBeGreaterThan(3000);
    // Where they waited like requests, the floor came to a stand within minutes.
    expect(standing).toBe(0);
    expect(result.link).toMatchObject({ invalidRoutes: 0, lostCompletions: 0 });
  }, 60_000);

  it('starts anew where an earlier run left routes open', async () => {
    const first = await open('off', 1);
    await runFleet({ ...options(kiva, { steps: 20 }), link: measureLink(first, kiva) });
    await first.close();
    const target = (server as ListeningServer).target;
    const second = await openSocketLink({ target, warehouseId: kiva.warehouseId, sockets: 2 });
    const startAt = second.serverTime;
    expect(startAt).toBe(20_000);
    const again = options(kiva, { steps: 60, startAt });
    const result = await runFleet({ ...again, link: measureLink(second, kiva) });
    await second.close();
    expect(result.tours).toBeGreaterThan(10);
    expect(result.link.invalidRoutes).toBe(0);
  });

  it('ends with one clear error when the server stays away', async () => {
    const socket = await open('off', 2);
    const run = runFleet({
      ...options(kiva, { asking: 'background', speedUp: 50, steps: 100_000 }),
      link: measureLink(socket, kiva),
      onStep({ step }) {
        if (step === 10) void server?.close();
      },
    });
    const code = await run.then(
      () => 'none',
      (error: unknown) => (error as { code: string }).code,
    );
    expect(code).toBe('E_LINK_LOST');
  });

  it('says what is wrong with a token, a warehouse or an address', async () => {
    const socket = await open('off', 1);
    await socket.close();
    const { target } = server as ListeningServer;
    const attempt = (over: Partial<typeof target>, warehouseId: string = kiva.warehouseId) =>
      openSocketLink({ target: { ...target, ...over }, warehouseId, sockets: 1 });
    await expect(attempt({ robotToken: 'none' })).rejects.toMatchObject({ code: 'E_UNAUTHENTICATED' });
    await expect(attempt({ url: 'http://127.0.0.1:1' })).rejects.toMatchObject({ code: 'E_LINK_LOST' });
    await expect(attempt({ url: 'foo' })).rejects.toMatchObject({ code: 'E_CONFIG' });
    const aside = attempt({ url: `${target.url}/aside` });
    await expect(aside).rejects.toMatchObject({ code: 'E_CONFIG' });
    await expect(attempt({}, 'nowhere')).rejects.toMatchObject({ code: 'E_UNKNOWN_WAREHOUSE' });
  });
});
