import type { Trace } from '../../../src/domain/messages.js';
import { createRecorder } from './recorder.js';
import { cell, report, SITE, START, startService, type TestServiceOptions } from './startService.js';

/** Where a robot was, and in which second. */
export type Way = readonly (readonly [cell: string, second: number])[];

/** A service whose robots say second by second where they are, and whose learner remembers what it was sent. */
export async function startFloor(options: TestServiceOptions) {
  const recorder = createRecorder();
  const startLearner = async () => recorder.port;
  const running = await startService({ mode: 'observe', startLearner, ...options });
  const { service } = running;
  let routes = 0;
  const request = (robotId: string, from: string, ...stops: string[]) =>
    service.requestRoute(SITE, {
      ...{ requestId: `request-${++routes}`, robotId, from: cell(from) },
      stops: stops.map((stop) => ({ node: cell(stop), handlingSeconds: 0 })),
    });
  const say = (routeId: string, at: string, second: number, revision = 0): void =>
    service.routeProgress(SITE, {
      ...{ type: 'route.progress', routeId, revision, node: cell(at), at: START + 1000 * second },
    });
  /** Lets a second pass at a time, and says who is where in it. */
  const drive = async (seconds: number, ways: Readonly<Record<string, Way>>): Promise<void> => {
    for (let second = 1; second <= seconds; second++) {
      await running.pass(1);
      for (const [routeId, way] of Object.entries(ways))
        for (const [at, then] of way.slice(1)) if (then === second) say(routeId, at, second);
    }
  };
  const complete = (routeId: string, way: Way) => {
    const trace = way.map(([at, second]) => [cell(at), START + 1000 * second, null]) as unknown as Trace;
    return service.completeRoute(SITE, report({ routeId }, trace));
  };
  const second = (): number => (running.now() - START) / 1000;
  const priceOf = (from: string, to: string): number =>
    service.lanes(SITE).find((lane) => lane.from === cell(from) && lane.to === cell(to))!.price;
  return { ...running, labels: recorder.labels, request, say, drive, complete, second, priceOf };
}
