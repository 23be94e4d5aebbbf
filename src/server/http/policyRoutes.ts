import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { AppError } from '../../domain/errors.js';
import type { RoutingService } from '../../domain/serviceContract.js';
import { reachesWarehouse } from '../tokens.js';
import { credentialOf, OPERATE, READ } from './access.js';
import { addRoute } from './route.js';
import {
  DrillBody,
  GuardField,
  PolicyField,
  PolicyParams,
  RollbackQuery,
  ShadowField,
  WarehouseParams,
} from './schemas.js';

const tag = 'Policies';

/** Policy versions: list, save, activate, roll back. With a shared policy, a change reaches every warehouse. */
export function addPolicyRoutes(
  app: FastifyInstance,
  service: RoutingService,
  policyIsShared: boolean,
): void {
  const policies = '/v1/warehouses/:warehouseId/policies';
  const requireReach = (request: FastifyRequest): void => {
    if (!policyIsShared || credentialOf(request).warehouses === '*') return;
    throw new AppError('E_FORBIDDEN', {
      detail: 'the policy is shared, and it does not reach all warehouses',
    });
  };

  addRoute(app, {
    method: 'GET',
    url: '/v1/policies',
    access: READ,
    tag,
    summary: 'Saved policy versions',
    description: 'Where each warehouse has its own policy, those of the warehouses that the token reaches.',
    answer: Type.Array(PolicyField),
    handle(_input, { request }) {
      const credential = credentialOf(request);
      return service
        .policies()
        .filter(({ warehouseId }) => warehouseId === null || reachesWarehouse(credential, warehouseId));
    },
  });
  addRoute(app, {
    method: 'POST',
    url: `${policies}/save`,
    access: OPERATE,
    tag,
    summary: 'Save what is served now',
    params: WarehouseParams,
    answer: PolicyField,
    status: 201,
    handle({ params: { warehouseId } }, { request }) {
      requireReach(request);
      return service.savePolicy(warehouseId);
    },
  });
  addRoute(app, {
    method: 'POST',
    url: `${policies}/:policyVersion/activate`,
    access: OPERATE,
    tag,
    summary: 'Serve a saved version',
    params: PolicyParams,
    answer: PolicyField,
    handle({ params: { warehouseId, policyVersion } }, { request }) {
      requireReach(request);
      return service.activatePolicy(warehouseId, policyVersion);
    },
  });
  addRoute(app, {
    method: 'POST',
    url: `${policies}/rollback`,
    access: OPERATE,
    tag,
    summary: 'Serve the last good version',
    description:
      'What the guard would put back; without one, the version saved before the active one. With `from`, only while that version is served.',
    params: WarehouseParams,
    query: RollbackQuery,
    answer: PolicyField,
    handle({ params: { warehouseId }, query: { from } }, { request }) {
      requireReach(request);
      return service.rollBack(warehouseId, from);
    },
  });
  addRoute(app, {
    method: 'POST',
    url: `${policies}/drill`,
    access: OPERATE,
    tag,
    summary: 'Serve a version made worse on purpose',
    description: 'For drills: robots are served worse routes until the guard or a roll back takes it back.',
    params: WarehouseParams,
    body: DrillBody,
    answer: PolicyField,
    handle({ params: { warehouseId }, body }, { request }) {
      requireReach(request);
      return service.drillPolicy(warehouseId, body.sabotage);
    },
  });
  addRoute(app, {
    method: 'GET',
    url: '/v1/warehouses/:warehouseId/guard',
    access: READ,
    tag,
    summary: 'The last good version, and what was taken back',
    params: WarehouseParams,
    answer: GuardField,
    handle: ({ params: { warehouseId } }) => service.guard(warehouseId),
  });
  addRoute(app, {
    method: 'GET',
    url: '/v1/warehouses/:warehouseId/shadow',
    access: READ,
    tag,
    summary: 'What the candidate policy would have done, in mode shadow',
    params: WarehouseParams,
    answer: ShadowField,
    handle: ({ params: { warehouseId } }) => service.shadow(warehouseId),
  });
}
