import { createLogger } from '../../../src/server/logging.js';
import { createMetrics } from '../../../src/server/metrics.js';
import { createServer, type AisleflowServer } from '../../../src/server/server.js';
import type { ServiceObserver } from '../../../src/domain/serviceContract.js';
import type { RoutingService } from '../../../src/domain/serviceContract.js';
import { newToken, type TokenRecord } from '../../../src/registry/tokenRecords.js';
import type { ServerTarget } from '../../../sim/serverApi.js';

export interface ListeningServer {
  readonly target: ServerTarget;
  readonly server: AisleflowServer;
  close(): Promise<void>;
}

/** A real server on a free port of this machine, round a service that is told who observes it. */
export async function listen(
  open: (observer: ServiceObserver) => Promise<RoutingService>,
): Promise<ListeningServer> {
  const metrics = createMetrics();
  const service = await open(metrics.observer);
  const records: TokenRecord[] = [];
  const issue = (role: 'robot' | 'operator'): string => {
    const { token, record } = newToken({ role, warehouses: '*', robots: '*' }, 0);
    records.push(record);
    return token;
  };
  const target = { robotToken: issue('robot'), operatorToken: issue('operator') };
  const server = await createServer({
    ...{ service, metrics, logger: createLogger('silent'), version: '0.0.0', policyIsShared: true },
    ...{ tokens: { records: () => records, refresh: () => undefined }, host: '127.0.0.1', port: 0 },
  });
  const { url } = await server.listen();
  return {
    target: { url, ...target },
    server,
    async close() {
      await server.close();
      await service.close();
    },
  };
}
