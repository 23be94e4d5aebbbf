import type { Command } from 'commander';
import { isAppError } from '../src/domain/errors.js';
import type { CornerCaseDetail } from '../src/domain/serviceContract.js';
import { exitCodeOf, failureLine } from '../src/platform/failureLine.js';
import { MAP_HELP } from '../src/platform/mapHelp.js';
import { countArgument } from './arguments.js';
import { replayCornerCase } from './cornerCaseReplay.js';
import { createServerApi } from './serverApi.js';
import type { SimulationShell } from './simulationShell.js';

interface ReplayArguments {
  readonly warehouse: string;
  readonly map?: string;
  readonly url: string;
  readonly token?: string;
  readonly seeds: number;
  readonly json?: true;
}

/** What `corner-cases replay --json` prints. */
interface ReplayReport {
  readonly routeId: string;
  readonly predictedWaitSeconds: number;
  readonly observedWaitSeconds: number;
  /** One for each seed; null: its robot did not arrive within an hour of the floor. */
  readonly replayedWaitSeconds: readonly (number | null)[];
  readonly robots: number;
  readonly openRoutes: number;
  readonly closedLanes: number;
  readonly displaced: number;
}

/** Adds `replay` to the `corner-cases` command: a kept case, let run again on a simulated floor. */
export function addReplayCommand(cornerCases: Command, shell: SimulationShell): void {
  cornerCases
    .command('replay')
    .description('put the robots where they were, let them drive, and compare the wait')
    .argument('<route>', 'the case, by its route')
    .requiredOption('--warehouse <id>', 'warehouse that is meant')
    .option('--map <map>', `${MAP_HELP} (default: that of the warehouse's name)`)
    .option('--url <url>', 'server', process.env['AISLEFLOW_URL'] ?? 'http://127.0.0.1:8080')
    .option('--token <token>', 'token (default: AISLEFLOW_TOKEN)')
    .option('--seeds <n>', 'replays, each with other ties', countArgument, 5)
    .option('--json', 'print one JSON line')
    .addHelpText(
      'after',
      '\nExit code: 0 done, 2 wrong use, 1 any other failure.\n' +
        '\nExample, with a route that `aisleflow corner-cases` lists:\n  aisleflow corner-cases replay ROUTE --warehouse kiva-33x36',
    )
    .action(async (routeId: string, options: ReplayArguments) => {
      const output = cornerCases.configureOutput();
      try {
        const report = await replay(routeId, options, shell);
        output.writeOut?.(`${options.json ? JSON.stringify(report) : reportAsText(report)}\n`);
      } catch (error) {
        if (!isAppError(error)) throw error;
        output.writeErr?.(`${failureLine(error)}\n`);
        process.exitCode = exitCodeOf(error);
      }
    });
}

async function replay(
  routeId: string,
  options: ReplayArguments,
  shell: SimulationShell,
): Promise<ReplayReport> {
  const { warehouse, url } = options;
  const token = options.token ?? process.env['AISLEFLOW_TOKEN'];
  const api = createServerApi({ url, operatorToken: token }, warehouse);
  const found: CornerCaseDetail = await api.cornerCase(routeId);
  const { graph } = shell.loadMap(options.map ?? warehouse);
  const results = Array.from({ length: options.seeds }, (_, seed) =>
    replayCornerCase(graph, found, seed + 1),
  );
  const { predictedWaitSeconds, observedWaitSeconds, robots, openRoutes, closedLanes } = found;
  return {
    ...{ routeId, predictedWaitSeconds, observedWaitSeconds },
    replayedWaitSeconds: results.map(({ waitSeconds }) => waitSeconds),
    ...{ robots, openRoutes, closedLanes, displaced: results[0]!.displaced },
  };
}

function reportAsText(report: ReplayReport): string {
  const arrived = report.replayedWaitSeconds.filter((seconds) => seconds !== null);
  const replayed =
    arrived.length === 0
      ? 'it never arrived'
      : `${seconds(meanOf(arrived))} (${seconds(Math.min(...arrived))} to ${seconds(Math.max(...arrived))}, ` +
        `${arrived.length} of ${report.replayedWaitSeconds.length} replays arrived)`;
  return [
    ['route', report.routeId],
    ['predicted wait', seconds(report.predictedWaitSeconds)],
    ['observed wait', seconds(report.observedWaitSeconds)],
    ['replayed wait', replayed],
    [
      'floor',
      `${report.robots} robots, ${report.openRoutes} open routes, ${report.closedLanes} closed lanes` +
        (report.displaced === 0 ? '' : `; ${report.displaced} robots moved aside`),
    ],
  ]
    .map(([name = '', value = '']) => `${name.padEnd(16)}${value}`)
    .join('\n');
}

function seconds(value: number): string {
  return `${value.toFixed(1)} s`;
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
