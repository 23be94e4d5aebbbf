import type { RoutingService } from '../src/domain/serviceContract.js';
import type { FleetLink } from './fleetLink.js';

/** The fleet and the service in one thread: what the benchmark of quality and the tests use. */
export function createInProcessLink(service: RoutingService, warehouseId: string): FleetLink {
  return {
    async hello(robots) {
      service.hello({ type: 'hello', warehouseId, robots: robots.map((robot) => ({ ...robot })) });
    },
    robotState: (message) => service.robotState(warehouseId, { type: 'robot.state', ...message }),
    requestRoute: (request) => service.requestRoute(warehouseId, request),
    progress: (message) => service.routeProgress(warehouseId, { type: 'route.progress', ...message }),
    deviated: (message) => service.routeDeviated(warehouseId, { type: 'route.deviated', ...message }),
    completed: (report) => service.completeRoute(warehouseId, report),
    advanceClock: (at) => service.advanceClock(warehouseId, at),
    onUpdate(listener) {
      service.subscribe((event) => {
        if (event.kind !== 'route.updated' && event.kind !== 'route.held') return;
        if (event.warehouseId === warehouseId) listener(event.message);
      });
    },
    close: async () => undefined,
  };
}
