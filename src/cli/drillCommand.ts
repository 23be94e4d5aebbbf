import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { AppError, isAppError, type ErrorCode } from '../domain/errors.js';
import { LIMITS } from '../domain/limits.js';
import {
  SABOTAGES,
  type GuardView,
  type PolicyView,
  type RollbackView,
  type Sabotage,
  type WarehouseSummary,
} from '../domain/serviceContract.js';
import {
  createServerClient,
  warehousePath,
  type ServerAddress,
  type ServerClient,
} from '../platform/serverClient.js';
import { FAILURE_HELP, reportingFailure } from './failure.js';

type Options = ServerAddress & {
  readonly warehouse: string;
  readonly json?: true;
  readonly yes?: true;
  readonly patience: string;
};

/** What one sabotaged version came to. Seconds of the warehouse's clock, milliseconds of the wall. */
interface DrillResult {
  readonly sabotage: Sabotage | 'byHand';
  /** Null where nothing that passes the gates would have been worse. */
  readonly policyVersion: string | null;
  readonly detected: boolean;
  readonly cause: string | null;
  /** Served before it was taken back. */
  readonly servedSeconds: number | null;
  readonly restoreMilliseconds: number;
  readonly restored: string;
}

interface Drilled {
  readonly sabotage: DrillResult['sabotage'];
  readonly policyVersion: string;
}

const BAR = { automaticSeconds: 10, byHandMilliseconds: 1000 } as const;
const POLL_MILLISECONDS = 100;
const PINNED_PATIENCES = 10;

/** Adds `drill policy`: does the guard of a running server find a worse policy, and how soon? */
export function addDrillCommand(program: Command): void {
  const policy = program
    .command('drill')
    .description('practise a failure on a running server')
    .command('policy')
    .description('serve versions made worse on purpose until the guard takes them back, then one by hand');
  policy
    .requiredOption('--warehouse <id>', 'warehouse that is meant; in mode learn, with robots that drive')
    .option('--url <url>', 'server', process.env['AISLEFLOW_URL'] ?? 'http://127.0.0.1:8080')
    .option('--token <token>', "an operator's (default: AISLEFLOW_TOKEN)")
    .option(
      '--patience <seconds>',
      'waited for the guard, by the wall, before the drill itself ends it',
      '30',
    )
    .option('--yes', 'robots are really served worse routes meanwhile: say that you know')
    .option('--json', 'print the results as JSON')
    .addHelpText(
      'after',
      `${FAILURE_HELP}
A guard that was late (${BAR.automaticSeconds} s) or missed a version counts as a failure.
Between two versions the drill waits until learning has proved itself again, for up to ${PINNED_PATIENCES} times --patience:
it takes about 1,000 driven lanes, and a minute of the warehouse's clock.

Example:
  aisleflow drill policy --warehouse kiva-33x36 --yes`,
    )
    .action(reportingFailure(() => drill(policy.opts<Options>())));
}

async function drill({ url, token = process.env['AISLEFLOW_TOKEN'], ...options }: Options): Promise<void> {
  if (options.yes !== true) {
    throw new AppError('E_USAGE', { detail: 'robots will be served worse routes for seconds; add --yes' });
  }
  const patience = Number(options.patience);
  if (!(patience > 0 && patience < LIMITS.drillSeconds))
    throw new AppError('E_USAGE', { detail: `--patience is between 0 and ${LIMITS.drillSeconds} s` });
  const { json: api } = createServerClient({ url, token });
  const path = warehousePath(options.warehouse);
  // Where nothing is learnt nothing proves itself between two versions.
  const { mode } = await api<WarehouseSummary>('GET', path);
  if (mode !== 'learn') throw new AppError('E_MODE_INVALID', { mode, known: 'learn' });
  const results: DrillResult[] = [];
  for (const sabotage of SABOTAGES) {
    await untilUnpinned(api, path, patience);
    results.push(await drillOnce(api, path, { sabotage, patience }));
  }
  await untilUnpinned(api, path, patience);
  results.push(await drillByHand(api, path));
  console.log(options.json === true ? JSON.stringify(results) : results.map(asText).join('\n'));
  if (!results.every(isInTime)) process.exitCode = 1;
}

async function drillOnce(
  api: ServerClient['json'],
  path: string,
  { sabotage, patience }: { readonly sabotage: Sabotage; readonly patience: number },
): Promise<DrillResult> {
  const drilled = await unless('E_DRILL_HARMLESS', () =>
    api<PolicyView>('POST', `${path}/policies/drill`, { sabotage }),
  );
  if (!drilled) {
    const { policyVersion: restored } = await api<GuardView>('GET', `${path}/guard`);
    const nothing = { policyVersion: null, detected: false, cause: null, servedSeconds: null };
    return { sabotage, ...nothing, restoreMilliseconds: 0, restored };
  }
  const { policyVersion } = drilled;
  const release = endWhenInterrupted(api, path, { sabotage, policyVersion, detected: false });
  try {
    const started = performance.now();
    while (performance.now() - started < 1000 * patience) {
      await sleep(POLL_MILLISECONDS);
      const last = await lastRollback(api, path, policyVersion);
      if (last) return takenBack(last, { sabotage, policyVersion }, performance.now() - started);
    }
    return await endByHand(api, path, { sabotage, policyVersion, detected: false });
  } finally {
    release();
  }
}

/** Ctrl-C ends the drill first: nothing that is worse on purpose is left behind. */
function endWhenInterrupted(
  api: ServerClient['json'],
  path: string,
  known: Drilled & { detected: false },
): () => void {
  const end = (): void => {
    const exit = (): never => process.exit(130);
    endByHand(api, path, known).then(exit, exit);
  };
  process.once('SIGINT', end);
  return () => void process.off('SIGINT', end);
}

/** Null where it is refused for this reason. */
async function unless<T>(code: ErrorCode, call: () => Promise<T>): Promise<T | null> {
  try {
    return await call();
  } catch (error) {
    if (isAppError(error) && error.code === code) return null;
    throw error;
  }
}

/** The last roll back, if it ended this version. */
async function lastRollback(
  api: ServerClient['json'],
  path: string,
  policyVersion: string,
): Promise<RollbackView | null> {
  const { last } = await api<GuardView>('GET', `${path}/guard`);
  return last?.from.startsWith(`${policyVersion}+`) ? last : null;
}

function takenBack(
  { cause, servedSeconds, to }: RollbackView,
  { sabotage, policyVersion }: Drilled,
  restoreMilliseconds: number,
): DrillResult {
  const detected = cause !== 'operator';
  return { sabotage, policyVersion, detected, cause, servedSeconds, restoreMilliseconds, restored: to };
}

/** The operator's own way back, at once. */
async function drillByHand(api: ServerClient['json'], path: string): Promise<DrillResult> {
  const drilled = await api<PolicyView>('POST', `${path}/policies/drill`, { sabotage: 'flipped' });
  return endByHand(api, path, { sabotage: 'byHand', policyVersion: drilled.policyVersion, detected: true });
}

async function endByHand(
  api: ServerClient['json'],
  path: string,
  known: Drilled & Pick<DrillResult, 'detected'>,
): Promise<DrillResult> {
  const started = performance.now();
  const { policyVersion } = known;
  const restored = await unless('E_POLICY_CHANGED', () =>
    api<PolicyView>('POST', `${path}/policies/rollback?from=${encodeURIComponent(policyVersion)}`),
  );
  const restoreMilliseconds = performance.now() - started;
  if (!restored) {
    // The guard was quicker than the hand.
    const last = await lastRollback(api, path, policyVersion);
    if (last) return takenBack(last, known, restoreMilliseconds);
    throw new AppError('E_POLICY_CHANGED', { expected: policyVersion, policyVersion: 'another' });
  }
  return {
    ...{ ...known, restoreMilliseconds, restored: restored.policyVersion },
    ...{ cause: 'operator', servedSeconds: null },
  };
}

/** A pinned policy is what the drill before left behind: learning proves itself first. */
async function untilUnpinned(api: ServerClient['json'], path: string, patience: number): Promise<void> {
  const most = PINNED_PATIENCES * patience;
  const started = performance.now();
  for (let waits = 0; (await api<GuardView>('GET', `${path}/guard`)).pinned; waits++) {
    if (waits === 0)
      console.error(`waiting for learning to prove itself on driven routes, ${most} s at the longest`);
    if (performance.now() - started > 1000 * most) {
      console.error('it has not: nothing much was driven, so the guard may miss what comes now');
      return;
    }
    await sleep(POLL_MILLISECONDS);
  }
}

function isInTime(result: DrillResult): boolean {
  const { sabotage, policyVersion, detected, servedSeconds, restoreMilliseconds } = result;
  if (policyVersion === null) return true;
  if (sabotage === 'byHand') return restoreMilliseconds <= BAR.byHandMilliseconds;
  return detected && (servedSeconds ?? Infinity) <= BAR.automaticSeconds;
}

function asText({ sabotage, policyVersion, cause, servedSeconds, restored, ...rest }: DrillResult): string {
  const took = `${Math.round(rest.restoreMilliseconds)} ms`;
  if (sabotage === 'byHand') {
    const whose = cause === 'operator' ? 'by hand' : `by hand: the guard was quicker (${cause})`;
    return `${whose}: ${policyVersion} back to ${restored} in ${took}`;
  }
  if (policyVersion === null)
    return `${sabotage}: nothing that passes the gates would be worse on this floor; try again under load`;
  if (!rest.detected)
    return `${sabotage}: the guard, which judges lanes as they are driven, missed ${policyVersion}; taken back by hand to ${restored}`;
  return `${sabotage}: ${policyVersion} found by ${cause} after ${servedSeconds} s of the floor (${took}); back to ${restored}`;
}
