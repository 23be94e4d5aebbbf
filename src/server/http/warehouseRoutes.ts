import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { AppError } from '../../domain/errors.js';
import { MODES, RewardWeightsField, Welcome, type Mode } from '../../domain/messages.js';
import type { RoutingService } from '../../domain/serviceContract.js';
import { reachesWarehouse, requireRobot } from '../tokens.js';
import { credentialOf, FLEET, OPERATE, READ } from './access.js';
import { createLongLists } from './longLists.js';
import { addRoute } from './route.js';
import {
  ClockAnswer,
  ClockBody,
  CornerCaseDetailField,
  CornerCaseField,
  HelloBody,
  LaneField,
  LanesBody,
  LanesChanged,
  LanesQuery,
  ModeAnswer,
  ModeBody,
  RouteParams,
  SomeWeightsField,
  WarehouseParams,
  WarehouseSummaryField,
} from './schemas.js';

const tag = 'Warehouses';

/** Warehouses, their lanes, robots, reward weights, mode and clock. */
export function addWarehouseRoutes(app: FastifyInstance, service: RoutingService): void {
  const one = '/v1/warehouses/:warehouseId';
  const params = WarehouseParams;
  addRoute(app, {
    method: 'GET',
    url: '/v1/warehouses',
    access: READ,
    tag,
    summary: 'Warehouses that this token reaches',
    answer: Type.Array(WarehouseSummaryField),
    handle: (_input, { request }) =>
      service.warehouses().filter(({ warehouseId }) => reachesWarehouse(credentialOf(request), warehouseId)),
  });
  addRoute(app, {
    method: 'GET',
    url: one,
    access: READ,
    tag,
    summary: 'One warehouse: map, mode, policy, traffic',
    params,
    answer: WarehouseSummaryField,
    handle: ({ params: { warehouseId } }) => service.warehouse(warehouseId),
  });
  addRoute(app, {
    method: 'POST',
    url: `${one}/robots`,
    access: FLEET,
    tag,
    summary: 'Say hello for robots',
    description: 'The `hello` of the WebSocket, for fleets that speak HTTP only. Pushes need the WebSocket.',
    params,
    body: HelloBody,
    answer: Welcome,
    handle({ params: { warehouseId }, body: { robots } }, { request }) {
      for (const { robotId } of robots) requireRobot(credentialOf(request), robotId);
      return service.hello({ type: 'hello', warehouseId, robots });
    },
  });
  addCornerCaseRoutes(app, service);
  addLaneRoutes(app, service);
  addControlRoutes(app, service);
}

function addCornerCaseRoutes(app: FastifyInstance, service: RoutingService): void {
  const url = '/v1/warehouses/:warehouseId/corner-cases';
  addRoute(app, {
    method: 'GET',
    url,
    access: READ,
    tag,
    summary: 'Routes whose wait the policy predicted worst, worst first',
    params: WarehouseParams,
    answer: Type.Array(CornerCaseField),
    handle: ({ params: { warehouseId } }) => service.cornerCases(warehouseId),
  });
  addRoute(app, {
    method: 'GET',
    url: `${url}/:routeId`,
    access: READ,
    tag,
    summary: 'One of them, with the floor that it was planned on',
    params: RouteParams,
    answer: CornerCaseDetailField,
    handle: ({ params: { warehouseId, routeId } }) => service.cornerCase(warehouseId, routeId),
  });
}

function addLaneRoutes(app: FastifyInstance, service: RoutingService): void {
  const longLists = createLongLists();
  const lanesUrl = '/v1/warehouses/:warehouseId/lanes';
  const params = WarehouseParams;
  addRoute(app, {
    method: 'GET',
    url: lanesUrl,
    access: READ,
    tag,
    summary: 'Every lane, or the closed ones: open or closed, planned flow, price',
    description:
      'As they are when it begins. One long list is written at a time: E_BUSY for others until then.',
    params,
    query: LanesQuery,
    answer: Type.Array(LaneField),
    handle({ params: { warehouseId }, query: { closed } }, { reply }) {
      const lanes = service.eachLane(warehouseId, closed === undefined ? {} : { closed: closed === 'true' });
      return reply.type('application/json; charset=utf-8').send(longLists.open(lanes));
    },
  });
  addRoute(app, {
    method: 'POST',
    url: `${lanesUrl}/close`,
    access: OPERATE,
    tag,
    summary: 'Close lanes',
    description:
      'A barrier: no route over them leaves after the answer; robots whose routes cross them are re-routed.',
    params,
    body: LanesBody,
    answer: LanesChanged,
    async handle({ params: { warehouseId }, body: { lanes } }) {
      await service.closeLanes(warehouseId, lanes);
      return { lanes, open: false };
    },
  });
  addRoute(app, {
    method: 'POST',
    url: `${lanesUrl}/open`,
    access: OPERATE,
    tag,
    summary: 'Open lanes again',
    params,
    body: LanesBody,
    answer: LanesChanged,
    async handle({ params: { warehouseId }, body: { lanes } }) {
      await service.openLanes(warehouseId, lanes);
      return { lanes, open: true };
    },
  });
}

function addControlRoutes(app: FastifyInstance, service: RoutingService): void {
  const one = '/v1/warehouses/:warehouseId';
  const params = WarehouseParams;
  addRoute(app, {
    method: 'GET',
    url: `${one}/weights`,
    access: READ,
    tag,
    summary: 'Reward weights in force',
    params,
    answer: RewardWeightsField,
    handle: ({ params: { warehouseId } }) => service.weights(warehouseId),
  });
  addRoute(app, {
    method: 'PUT',
    url: `${one}/weights`,
    access: OPERATE,
    tag,
    summary: 'Set the reward weights',
    description: 'In force from the next plan on; nothing is retrained.',
    params,
    body: RewardWeightsField,
    answer: RewardWeightsField,
    handle: ({ params: { warehouseId }, body }) => service.setWeights(warehouseId, body),
  });
  addRoute(app, {
    method: 'PATCH',
    url: `${one}/weights`,
    access: OPERATE,
    tag,
    summary: 'Change some of the reward weights',
    description: 'Those that are left out stay as they are.',
    params,
    body: SomeWeightsField,
    answer: RewardWeightsField,
    handle: ({ params: { warehouseId }, body }) => service.setWeights(warehouseId, body),
  });
  addRoute(app, {
    method: 'PUT',
    url: `${one}/mode`,
    access: OPERATE,
    tag,
    summary: 'Set the mode',
    description: `One of ${MODES.join(', ')}.`,
    params,
    body: ModeBody,
    answer: ModeAnswer,
    async handle({ params: { warehouseId }, body: { mode } }) {
      if (!isMode(mode)) throw new AppError('E_MODE_INVALID', { mode, known: MODES.join(', ') });
      await service.setMode(warehouseId, mode);
      return { mode };
    },
  });
  addRoute(app, {
    method: 'POST',
    url: `${one}/clock/advance`,
    access: OPERATE,
    tag,
    summary: 'Drive a simulated clock',
    params,
    body: ClockBody,
    answer: ClockAnswer,
    async handle({ params: { warehouseId }, body: { at } }) {
      await service.advanceClock(warehouseId, at);
      return { at };
    },
  });
}

function isMode(mode: string): mode is Mode {
  return (MODES as readonly string[]).includes(mode);
}
