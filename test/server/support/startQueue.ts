import { expect } from 'vitest';
import { createPlanQueue, type PlanQueueOptions } from '../../../src/server/planQueue.js';

/** A queue on a clock of its own; `turn` lets it plan until its slice is over, each plan taking `planMilliseconds`. */
export function startQueue(options: Partial<PlanQueueOptions> = {}, planMilliseconds = 2) {
  let now = 0;
  const deferred: (() => void)[] = [];
  const served: string[] = [];
  const shed: string[] = [];
  const queue = createPlanQueue({ now: () => now, defer: (work) => deferred.push(work), ...options });
  const ask = (name: string, urgency: number): Promise<void> =>
    queue
      .run(urgency, () => {
        now += planMilliseconds;
        served.push(name);
      })
      .catch((error: { code: string; references: { retryAfterSeconds: number } }) => {
        expect(error).toMatchObject({ code: 'E_BUSY', references: { retryAfterSeconds: 1 } });
        shed.push(name);
      });
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  const turn = async (): Promise<void> => {
    for (const work of deferred.splice(0)) work();
    await settle();
  };
  const drain = async (): Promise<void> => {
    while (deferred.length > 0) await turn();
  };
  const pass = (milliseconds: number) => (now += milliseconds);
  return { queue, served, shed, ask, pass, turn, drain, settle };
}
