/** The liar's soak: one robot of fifty lies about a lane of the busiest aisle; throughput and the lane's share must stay. */
import { Command } from 'commander';
import { exitAsMisuse } from '../src/platform/exitAsMisuse.js';
import { countArgument, mapOption, type MapFile } from './arguments.js';
import { busiestLane, LIES, runWithLiar } from './liar.js';

interface Options {
  readonly map: MapFile;
  readonly robots: number;
  readonly seeds: number;
  readonly steps: number;
  readonly backend: string;
}

const LOSS_LIMIT = 0.01;

const program = new Command('soak:n3')
  .exitOverride(exitAsMisuse)
  .description('one JSON line a seed and lie, a summary as the last')
  .addOption(mapOption('maps/kiva-33x36.json'))
  .option('--robots <n>', 'how many; one of them lies', countArgument, 50)
  .option('--seeds <n>', 'how many', countArgument, 20)
  .option('--steps <n>', 'of each run', countArgument, 1000)
  .option('--backend <name>', 'tensorflow, wasm or cpu', '')
  .addHelpText(
    'after',
    `\nExit code: 0 where the mean loss of throughput is at most ${LOSS_LIMIT}, 1 above, 2 wrong use.`,
  );
await program.parseAsync();
await soak(program.opts<Options>());

async function soak({ map, robots, seeds, steps, backend }: Options): Promise<void> {
  const { graph } = map;
  const losses = new Map<string, number[]>();
  for (let seed = 1; seed <= seeds; seed++) {
    const options = { graph, robots, seed, steps, backend };
    const honest = await runWithLiar({ ...options, lie: null });
    const lane = busiestLane(honest);
    for (const kind of LIES) {
      const lied = await runWithLiar({ ...options, lie: { kind, lane } });
      const loss = 1 - lied.throughput / honest.throughput;
      losses.set(kind, [...(losses.get(kind) ?? []), loss]);
      const share = [honest, lied].map((run) => run.routesOver[lane]! / run.routes);
      const { throughput } = honest;
      const { lies, liedSeconds } = lied;
      console.log(JSON.stringify({ seed, lie: kind, lies, liedSeconds, throughput, loss, share }));
    }
  }
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const means = Object.fromEntries([...losses].map(([kind, values]) => [kind, mean(values)]));
  console.log(JSON.stringify({ map: map.file, robots, seeds, steps, meanLoss: means }));
  if (Object.values(means).some((loss) => loss > LOSS_LIMIT)) process.exitCode = 1;
}
