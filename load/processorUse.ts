import { monotonicMilliseconds } from '../src/platform/clock.js';
import { serverProcessorSeconds, type Target } from './api.js';

/** Share of one core over a stage: 1.5 is one and a half cores. Both sides share the machine's cores. */
export interface ProcessorUse {
  readonly server: number;
  readonly driver: number;
}

/** Starts measuring; the answer ends it. */
export async function measureProcessors(target: Target): Promise<() => Promise<ProcessorUse>> {
  const serverBefore = await serverProcessorSeconds(target);
  const driverBefore = process.cpuUsage();
  const startedAt = monotonicMilliseconds();
  return async () => {
    const seconds = (monotonicMilliseconds() - startedAt) / 1000;
    const { user, system } = process.cpuUsage(driverBefore);
    const server = (await serverProcessorSeconds(target)) - serverBefore;
    return { server: share(server, seconds), driver: share((user + system) / 1e6, seconds) };
  };
}

function share(processorSeconds: number, seconds: number): number {
  return Math.round((100 * processorSeconds) / seconds) / 100;
}
