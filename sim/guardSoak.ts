/** The guards' soak: a floor whose demand surges, in process, with drills in between or none. */
import { Command } from 'commander';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom } from '../src/platform/random.js';
import { POLICY_SHAPE } from '../src/policy/network.js';
import { openPolicyRegistry } from '../src/registry/policyRegistry.js';
import { exitAsMisuse } from '../src/platform/exitAsMisuse.js';
import { countArgument, mapOption, positiveArgument, wholeArgument, type MapFile } from './arguments.js';
import { createBenchJobs } from './benchJobs.js';
import { createFleet, type JobSource } from './fleet.js';
import { createGuardDrills, DRILL_SECONDS } from './guardDrills.js';
import { createInProcessLink } from './inProcessLink.js';
import { createInProcessService } from './inProcessService.js';
import { openFloor } from './randomFloor.js';
import { typesInTurn } from './run.js';

interface Options {
  readonly map: MapFile;
  readonly robots: number;
  readonly hours: number;
  readonly seed: number;
  readonly drillMinutes: number;
  readonly warmUpMinutes: number;
  readonly backend: string;
}

/** A version is kept every ten minutes, as a server does. */
const SAVE_SECONDS = 600;
/** Share of the robots that are given work, for so many minutes each. */
const DEMAND = { least: 0.15, minutesLeast: 3, minutesMost: 25 } as const;

const program = new Command('soak:n2')
  .exitOverride(exitAsMisuse)
  .description(
    'surges of demand under the live guards; one JSON line a simulated hour, a summary as the last',
  )
  .addOption(mapOption('maps/kiva-33x36.json'))
  .option('--robots <n>', 'how many', countArgument, 200)
  .option('--hours <n>', 'simulated', positiveArgument, 24)
  .option('--seed <n>', 'starts, orders and surges', wholeArgument, 1)
  .option('--drill-minutes <n>', 'serve a sabotaged version so often; 0: never', wholeArgument, 0)
  .option('--warm-up-minutes <n>', 'before the first drill', wholeArgument, 15)
  .option('--backend <name>', 'tensorflow, wasm or cpu', '')
  .addHelpText(
    'after',
    '\nExit code: 0 quiet (or every drill answered within 10 s), 1 not, 2 wrong use.' +
      '\n\nExamples:\n  npm run soak:n2\n  npm run soak:n2 -- --hours 2 --drill-minutes 10',
  );
await program.parseAsync();
await soak(program.opts<Options>());

async function soak(options: Options): Promise<void> {
  const { seed, robots } = options;
  const { graph } = options.map;
  const { warehouseId } = graph;
  const directory = mkdtempSync(join(tmpdir(), 'aisleflow-soak-'));
  const random = createRandom(seed);
  const service = await createInProcessService({
    ...{ graph, mode: 'learn', price: null, backend: options.backend, random },
    openRegistry: () => openPolicyRegistry({ directory, shippedDirectory: null, shape: POLICY_SHAPE }),
  });
  const tell = (what: object): void => console.log(JSON.stringify(what));
  const isDrill = options.drillMinutes > 0;
  const drills = createGuardDrills({
    ...{ service, warehouseId, warmUpMinutes: options.warmUpMinutes, tell },
    minutes: isDrill ? options.drillMinutes : Infinity,
    seconds: 3600 * options.hours,
  });
  /** Roll backs that no drill called for. */
  let spontaneous = 0;
  let resumed = 0;
  service.subscribe((event) => {
    if (event.kind === 'policy.rolledBack') {
      const ofDrill = event.cause === 'operator' || drills.answers(event);
      if (!ofDrill) spontaneous++;
      tell({ ...event, ofDrill });
    } else if (event.kind === 'policy.resumed') {
      resumed++;
      tell(event);
    }
  });
  const robotTypes = typesInTurn(graph, robots);
  const { floor } = openFloor({ graph, robotTypes, random });
  const surges = random.fork('surges');
  let working = robots;
  let untilStep = 0;
  const jobs = createBenchJobs({ graph, robotTypes, seed, picks: 0 });
  const surging: JobSource = { next: (robot, at) => (robot < working ? jobs.next(robot, at) : null) };
  const fleet = createFleet({
    ...{ graph, floor, robotTypes, jobs: surging, startAt: 0, asking: 'one' },
    link: createInProcessLink(service, warehouseId),
  });
  await fleet.start();
  let goals = 0;
  const steps = Math.round((options.hours * 3600) / floor.stepSeconds);
  for (let step = 1; step <= steps; step++) {
    if (step >= untilStep) {
      // Drills are held under load.
      const share = isDrill ? 1 : DEMAND.least + (1 - DEMAND.least) * surges.next();
      working = Math.round(robots * share);
      untilStep = step + 60 * (DEMAND.minutesLeast + surges.integer(DEMAND.minutesMost));
    }
    await fleet.step();
    if (step % SAVE_SECONDS === 0) await service.savePolicy(warehouseId);
    if (step % 3600 === 0) {
      const { scoreRatio, updatesApplied } = service.warehouse(warehouseId);
      tell({ hour: step / 3600, goals: fleet.goalsReached() - goals, scoreRatio, updatesApplied });
      goals = fleet.goalsReached();
    }
    await drills.step(step);
  }
  await service.close();
  rmSync(directory, { recursive: true });
  const counts = drills.counts();
  tell({ warehouseId, robots, seed, hours: options.hours, ...counts, resumed, spontaneous });
  const isFine = isDrill
    ? counts.missed === 0 && counts.longestSeconds <= DRILL_SECONDS
    : spontaneous <= Math.max(1, options.hours / 24);
  if (!isFine) process.exitCode = 1;
}
