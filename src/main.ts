#!/usr/bin/env node
/** The composition root: the `aisleflow` program. Nothing imports it. */
import { join } from 'node:path';
import { Command } from 'commander';
import { addSimulationCommands } from '../sim/commands.js';
import { addBackupCommands } from './cli/backupCommands.js';
import { addDoctorCommand } from './cli/doctorCommand.js';
import { reportFailure } from './cli/failure.js';
import { exitAsMisuse } from './platform/exitAsMisuse.js';
import { addJournalCommands } from './cli/journalCommands.js';
import { addDrillCommand } from './cli/drillCommand.js';
import { addMapCommands } from './cli/mapCommands.js';
import { loadMap } from './cli/mapShell.js';
import { addHelpCommand, helpStyle, pointToOwnHelp } from './cli/help.js';
import { packageFile, packageVersion } from './cli/packageFiles.js';
import { addOperatorCommands } from './cli/operatorCommands.js';
import { addServeCommand, type OpenService } from './cli/serveCommand.js';
import { addTokenCommands } from './cli/tokenCommands.js';
import { AppError } from './domain/errors.js';
import { LIMITS } from './domain/limits.js';
import type { Journal } from './journal/journal.js';
import { openJournal } from './journal/sqliteJournal.js';
import { createInlineLearner, type LearnerPort } from './learning/learnerPort.js';
import { startSupervisedLearner } from './learning/supervisedLearner.js';
import { wallClock } from './platform/clock.js';
import { createRandom } from './platform/random.js';
import { selectBackend } from './policy/backend.js';
import { POLICY_SHAPE, randomWeights } from './policy/network.js';
import type { BackupManifest } from './registry/backupManifest.js';
import { answerBackupRequests } from './registry/backupRequests.js';
import { backUpData } from './registry/dataBackup.js';
import { openPolicyRegistry } from './registry/policyRegistry.js';
import { createRoutingService } from './service/routingService.js';
import type { LaneGraph } from './warehouse/laneGraph.js';

/** Cold weights and the learner's draws; what a server learns depends on its robots far more. */
const SEED = 1;

const openService: OpenService = async (settings, { observer, logger, onFatal }) => {
  const { dataDirectory, policies, mode, backend: force } = settings;
  const graphs = loadMaps(settings.mapFiles);
  // TensorFlow reads the process's own environment, which the learner's thread cannot set.
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '3';
  const journal = await openJournal({ directory: dataDirectory, onFatal });
  let backend = 'none';
  try {
    const service = await createRoutingService({
      ...{ graphs, journal, policies, mode, observer },
      openRegistry: (scope) =>
        openPolicyRegistry({
          directory: join(dataDirectory, 'policies', scope === '*' ? 'shared' : scope),
          shippedDirectory: settings.cold ? null : packageFile('policies'),
          shape: POLICY_SHAPE,
        }),
      async startLearner(weights) {
        const learner = await startLearner(settings.learner, force, weights);
        backend = learner.backend;
        return learner;
      },
      coldWeights: () => randomWeights(createRandom(SEED)),
      ...(settings.price === 'flow' ? { forcedSource: 'flow' as const } : {}),
      clock: settings.drivenClock ? { kind: 'driven', startAt: 0 } : { kind: 'wall' },
      retention: settings.retention,
      onUpkeepFailure: (error) =>
        logger.error(
          { err: error },
          'the journal was not tidied, a corner case not read, a mode not kept, or the policy not saved at the stop',
        ),
    });
    const requests = answerBackupRequests(dataDirectory, (to, signal) =>
      backUpServed(dataDirectory, journal, { to, signal }),
    );
    // The end of the journal ends a backup under way, which then clears up after itself.
    const close = async () => void (await Promise.all([requests.close(), service.close()]));
    return {
      ...{ service: { ...service, close }, backend },
      queueDepths: () => ({
        journalRecords: journal.waiting(),
        journalLookUps: journal.lookUpsWaiting(),
      }),
    };
  } catch (error) {
    await journal.close();
    throw error;
  }
};

function backUpServed(
  directory: string,
  { upkeep }: Journal,
  { to, signal }: { readonly to: string; readonly signal: AbortSignal },
): Promise<BackupManifest> {
  if (upkeep === null)
    throw new AppError('E_DATA_DIRECTORY', { directory, detail: 'its journal is in memory' });
  const copyJournal = (target: string) => upkeep.backUp(target);
  return backUpData({ directory, now: wallClock.now(), copyJournal, signal }, to);
}

/** @throws E_BACKEND where no TF.js backend works */
async function startLearner(
  where: 'thread' | 'inline',
  force: string,
  weights: Float32Array,
): Promise<LearnerPort> {
  if (where === 'thread') return startSupervisedLearner({ seed: SEED, force, weights });
  const { tf, name } = await selectBackend({ force });
  return createInlineLearner({ tf, backend: name, random: createRandom(SEED), weights });
}

/** @throws E_USAGE for too many, or two of one id, E_MAP_UNREADABLE, E_MAP_INVALID */
function loadMaps(files: readonly string[]): LaneGraph[] {
  if (files.length > LIMITS.warehousesPerServer) {
    const detail = `one server has at most ${LIMITS.warehousesPerServer} warehouses, these are ${files.length}`;
    throw new AppError('E_USAGE', { detail });
  }
  const graphs = new Map<string, LaneGraph>();
  for (const file of files) {
    const { graph } = loadMap(file);
    if (graphs.has(graph.warehouseId))
      throw new AppError('E_USAGE', { detail: `two maps are named of the id ${graph.warehouseId}` });
    graphs.set(graph.warehouseId, graph);
  }
  return [...graphs.values()];
}

const program = new Command('aisleflow')
  .description('Routes warehouse robot fleets by a policy that learns from every completed route.')
  .version(packageVersion())
  .configureHelp(helpStyle)
  .exitOverride(exitAsMisuse)
  .addHelpText(
    'after',
    `
Examples:
  aisleflow serve                               a server with the warehouses that come with it
  aisleflow map show kiva-33x36                 look at a warehouse
  aisleflow doctor                              what would run here, and what would not
  aisleflow help serve                          options and examples of one command`,
  );
addServeCommand(program, openService);
addTokenCommands(program);
addOperatorCommands(program);
addBackupCommands(program);
addJournalCommands(program);
addDrillCommand(program);
addMapCommands(program);
addDoctorCommand(program);
addSimulationCommands(program, { loadMap, policies: packageFile('policies') });
addHelpCommand(program);
pointToOwnHelp(program);
// Who reads may stop early, as in `aisleflow map show ... | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});
await program.parseAsync().catch(reportFailure);
