import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBenchJobs } from '../../sim/benchJobs.js';
import { NO_DISTURBANCES } from '../../sim/disturbances.js';
import { measureLink } from '../../sim/measuredLink.js';
import { runFleet, typesInTurn } from '../../sim/run.js';
import { openSocketLink } from '../../sim/socketLink.js';
import { loadMap } from '../../src/cli/mapShell.js';
import { startProgram, type Program } from '../cli/support/program.js';

const MAP = 'maps/kiva-33x36.json';
const ROBOTS = 24;

/** A shift that goes on by itself while its server is killed and started again, on the same data and port. */
describe('a simulated fleet whose server restarts', () => {
  let directory: string;
  let program: Program;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'aisleflow-restart-'));
  });
  afterAll(async () => {
    program.child.kill('SIGKILL');
    await program.ended;
    rmSync(directory, { recursive: true });
  });
  const serve = async (port: number): Promise<string> => {
    program = startProgram(
      [
        ...['serve', '--json', '--port', String(port), '--data', directory, '--map', MAP],
        ...['--driven-clock', '--mode', 'off', '--cold', '--log-level', 'error', '--tf-backend', 'cpu'],
      ],
      {},
    );
    return program.until('"tokens":');
  };

  it.each(['SIGKILL', 'SIGTERM'] as const)(
    'by %s goes on, and loses nothing',
    async (signal) => {
      rmSync(directory, { recursive: true });
      const ready = JSON.parse(await serve(0)) as {
        url: string;
        tokens: { robot: string; operator: string };
      };
      const { url, tokens } = ready;
      const { graph } = loadMap(MAP);
      const target = { url, robotToken: tokens.robot, operatorToken: tokens.operator };
      const socket = await openSocketLink({
        target,
        warehouseId: graph.warehouseId,
        sockets: 3,
        patienceSeconds: 110,
      });
      let restarts = 0;
      const restart = async (): Promise<void> => {
        program.child.kill(signal);
        await program.ended;
        await serve(Number(new URL(url).port));
        restarts++;
      };
      const robotTypes = typesInTurn(graph, ROBOTS);
      const result = await runFleet({
        ...{ graph, robotTypes, seed: 3, steps: 160, startAt: socket.serverTime, speedUp: 100 },
        link: measureLink(socket, graph),
        jobs: createBenchJobs({ graph, robotTypes, seed: 3, picks: 2 }),
        asking: 'background',
        disturbances: NO_DISTURBANCES,
        onStep({ step }) {
          if (step === 50) void restart();
        },
      });
      const { completedRoutes } = await socket.api.summary();
      await socket.close();
      program.child.kill('SIGKILL');
      await program.ended;
      expect([restarts, socket.resumed()]).toEqual([1, 3]);
      expect(result.tours).toBeGreaterThan(ROBOTS);
      expect(result.link).toMatchObject({ invalidRoutes: 0, lostCompletions: 0 });
      expect(result.link.completionsSent).toBe(result.tours);
      // Each was scored once: what the second server scored is no more than what is left over from the first.
      expect(completedRoutes).toBeLessThanOrEqual(result.tours);
      expect(socket.strayErrors()).toEqual({});
    },
    240_000,
  );
});
