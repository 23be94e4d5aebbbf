import { applySource, type ServiceCore } from './serviceCore.js';
import type { RoutingService } from '../domain/serviceContract.js';
import { AppError } from '../domain/errors.js';

export type PolicyStore = never;

export function createPolicyControl(core: ServiceCore, _registry: PolicyStore | null) {
  const unknown = (policyVersion: string): never => {
    throw new AppError('E_UNKNOWN_POLICY', { policyVersion });
  };
  const useCases: Pick<RoutingService, 'policies' | 'savePolicy' | 'activatePolicy' | 'rollBack'> = {
    policies: () => [],
    savePolicy: async () => unknown('none'),
    activatePolicy: async (_warehouseId, policyVersion) => unknown(policyVersion),
    rollBack: async () => unknown('none'),
  };
  return {
    useCases,
    async start() {
      for (const entry of core.entries.values()) applySource(core, entry);
    },
    async saveAll(_reason: 'stop') {},
  };
}
