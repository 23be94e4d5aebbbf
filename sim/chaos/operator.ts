import { isAppError, type ErrorCode } from '../../src/domain/errors.js';
import type { LaneName, RoutingService } from '../../src/domain/serviceContract.js';
import type { Checks } from './checks.js';
import type { ChaosProcess } from './chaosProcess.js';

/** Operations staff: one change after the other, each asked again until it is answered. */
export interface Operator {
  closeLanes(site: number, lanes: readonly LaneName[]): void;
  /** Null: all that are closed when its turn comes. */
  openLanes(site: number, lanes: readonly LaneName[] | null): void;
  /** Anything else that may be refused for good. */
  change(work: (process: ChaosProcess) => Promise<unknown>): void;
  isDone(): boolean;
}

interface Change {
  readonly work: (process: ChaosProcess) => Promise<unknown>;
  readonly done: () => void;
}

const RETRY_MILLISECONDS = 2_000;
/** What operators are told when they ask for what is not there: no fault of the service. */
const REFUSALS: readonly ErrorCode[] = ['E_UNKNOWN_POLICY', 'E_NO_EARLIER_POLICY', 'E_POLICY_CORRUPT'];

export function createOperator(options: {
  readonly checks: Checks;
  readonly warehouseIds: readonly string[];
  /** The process that runs, or null. */
  readonly running: () => ChaosProcess | null;
  readonly after: (milliseconds: number, action: () => void) => void;
}): Operator {
  const { checks, warehouseIds, running, after } = options;
  const changes: Change[] = [];
  let attempt = 0;

  const next = (): void => {
    const [change] = changes;
    if (!change) return;
    const mine = ++attempt;
    const again = (): void => {
      if (mine === attempt) next();
    };
    const process = running();
    after(process ? 3 * RETRY_MILLISECONDS : RETRY_MILLISECONDS, again);
    if (!process) return;
    const finish = (): void => {
      if (mine !== attempt || running() !== process) return;
      attempt++;
      changes.shift();
      change.done();
      next();
    };
    change.work(process).then(finish, (error: unknown) => {
      if (running() !== process) return;
      if (isAppError(error) && REFUSALS.includes(error.code)) finish();
      else if (!isAppError(error) || !error.retry) checks.report('S1', `an operator got ${String(error)}`);
    });
  };
  const add = (change: Change): void => {
    changes.push(change);
    if (changes.length === 1) next();
  };
  const warehouse = (site: number): string => warehouseIds[site] as string;

  return {
    closeLanes(site, lanes) {
      const work = ({ service }: { service: RoutingService }) => {
        checks.holds.closing(site, lanes);
        return service.closeLanes(warehouse(site), lanes);
      };
      add({ work, done: () => checks.lanesClosed(site, lanes) });
    },
    openLanes(site, lanes) {
      let wanted = lanes;
      const work = ({ service }: { service: RoutingService }): Promise<void> => {
        wanted ??= checks.closedLanes(site);
        checks.lanesOpening(site, wanted);
        return service.openLanes(warehouse(site), wanted);
      };
      add({ work, done: () => checks.holds.opened(site, wanted ?? []) });
    },
    change: (work) => add({ work, done: () => undefined }),
    isDone: () => changes.length === 0,
  };
}
