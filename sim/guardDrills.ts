import { isAppError } from '../src/domain/errors.js';
import {
  SABOTAGES,
  type PolicyView,
  type RollbackView,
  type RoutingService,
} from '../src/domain/serviceContract.js';

export interface GuardDrillOptions {
  readonly service: RoutingService;
  readonly warehouseId: string;
  /** A sabotaged version is served so often. */
  readonly minutes: number;
  /** Before the first. */
  readonly warmUpMinutes: number;
  /** The run's: none begins whose end it would not see. */
  readonly seconds: number;
  readonly tell: (event: object) => void;
}

/** What the drills of one run came to. */
export interface GuardDrillCounts {
  readonly drills: number;
  /** Not found within a minute, and taken back by hand. */
  readonly missed: number;
  /** Nothing that passes the gates would have been worse. */
  readonly harmless: number;
  /** Seconds of the floor that one was served, at most. */
  readonly longestSeconds: number;
}

const PATIENCE_SECONDS = 60;
/** What the guard may take at most. */
export const DRILL_SECONDS = 10;

/** Serves sabotaged versions in turn, one kind after the other, while nothing else is amiss. */
export function createGuardDrills(options: GuardDrillOptions) {
  const { service, warehouseId, minutes, warmUpMinutes, seconds, tell } = options;
  const last = seconds - PATIENCE_SECONDS;
  const counts = { drills: 0, missed: 0, harmless: 0, longestSeconds: 0 };
  let turn = 0;
  let served: { readonly policyVersion: string; readonly at: number } | null = null;

  const begin = async (second: number): Promise<void> => {
    const kind = SABOTAGES[turn++ % SABOTAGES.length]!;
    const view = await unlessHarmless(service.drillPolicy(warehouseId, kind));
    tell({ drill: kind, atSeconds: second, policyVersion: view?.policyVersion ?? null });
    if (!view) counts.harmless++;
    else {
      counts.drills++;
      served = { policyVersion: view.policyVersion, at: second };
    }
  };
  return {
    counts: (): GuardDrillCounts => counts,
    /** True where the roll back answers a drill; else it came by itself. */
    answers({ from, servedSeconds }: RollbackView): boolean {
      if (!served || !from.startsWith(`${served.policyVersion}+`)) return false;
      counts.longestSeconds = Math.max(counts.longestSeconds, servedSeconds);
      served = null;
      return true;
    },
    /** A second of the floor has passed. */
    async step(second: number): Promise<void> {
      if (served && second >= served.at + PATIENCE_SECONDS) {
        counts.missed++;
        served = null;
        await service.rollBack(warehouseId);
      }
      const due = second > 60 * warmUpMinutes && second <= last && second % (60 * minutes) === 0;
      if (due && !served && !service.guard(warehouseId).pinned) await begin(second);
    },
  };
}

async function unlessHarmless(drill: Promise<PolicyView>): Promise<PolicyView | null> {
  return drill.catch((error: unknown) => {
    if (isAppError(error) && error.code === 'E_DRILL_HARMLESS') return null;
    throw error;
  });
}
