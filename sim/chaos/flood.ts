import { isAppError } from '../../src/domain/errors.js';
import { LIMITS } from '../../src/domain/limits.js';
import type { RoutingService } from '../../src/domain/serviceContract.js';
import type { LaneGraph } from '../../src/warehouse/laneGraph.js';
import type { ChaosProcess } from './chaosProcess.js';
import type { Checks } from './checks.js';
import type { Operator } from './operator.js';

/** A robot of its own at each site that asks for more at once than may wait. */
export interface Flood {
  begin(site: number): void;
  /** It gives its route back. */
  end(service: RoutingService, site: number): Promise<void>;
}

const BURST_ABOVE = 50;

export function createFlood(options: {
  readonly graphs: readonly LaneGraph[];
  readonly warehouseIds: readonly string[];
  readonly checks: Checks;
  readonly operator: Operator;
  readonly running: () => ChaosProcess | null;
  readonly nextNumber: () => number;
}): Flood {
  const { graphs, warehouseIds, checks, operator, running, nextNumber } = options;

  const robotOf = (site: number) => ({
    robotId: `burst-${site}`,
    robotType: graphs[site]!.robotTypes[0]!.name,
  });
  const end = async (service: RoutingService, site: number): Promise<void> => {
    const warehouseId = warehouseIds[site]!;
    const { openRoutes } = service.hello({ type: 'hello', warehouseId, robots: [robotOf(site)] });
    for (const { routeId } of openRoutes) {
      await service.cancelRoute(warehouseId, { type: 'route.cancelled', routeId, reason: 'flood' });
    }
  };
  return {
    end,
    /** The excess is refused with when to come again. */
    begin(site) {
      const flooded = running();
      if (!flooded) return;
      const warehouseId = warehouseIds[site]!;
      const { nodeIds } = graphs[site]!;
      const robot = robotOf(site);
      flooded.service.hello({ type: 'hello', warehouseId, robots: [robot] });
      const content = {
        requestId: `burst-${nextNumber()}`,
        robotId: robot.robotId,
        from: nodeIds[0]!,
        stops: [nodeIds[0]!],
      };
      let accepted = 0;
      const answers = Array.from({ length: LIMITS.plansWaiting + BURST_ABOVE }, () =>
        flooded.service.requestRoute(warehouseId, content).then(
          ({ routeId }) => {
            accepted++;
            return routeId;
          },
          (error: unknown) => {
            const isRight =
              isAppError(error) && (error.code !== 'E_BUSY' || 'retryAfterSeconds' in error.references);
            if (!isRight) checks.report('M2', `a flood was answered ${String(error)}`);
            return null;
          },
        ),
      );
      Promise.all(answers).then(
        (routeIds) => {
          if (flooded !== running()) return;
          if (accepted > LIMITS.plansWaiting) checks.report('M2', `${accepted} plans waited at once`);
          if (routeIds.some((routeId) => routeId !== null))
            operator.change(({ service }) => end(service, site));
        },
        (error: unknown) => checks.keep(error),
      );
    },
  };
}
