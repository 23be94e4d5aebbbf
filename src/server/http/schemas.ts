/** What HTTP takes and answers beyond the wire messages of `domain/messages.ts`. */
import { Type, type TSchema } from 'typebox';
import { LIMITS } from '../../domain/limits.js';
import { HOLD_CAUSES, SABOTAGES } from '../../domain/serviceContract.js';
import {
  Hello,
  Id,
  idLike,
  InstantField,
  MODES,
  RewardWeightsField,
  RouteCancelled,
  RouteCompletedBody,
  RouteScoredBody,
  strict,
  TraceEntry,
} from '../../domain/messages.js';

const orNull = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Count = Type.Integer({ minimum: 0 });
const Flag = Type.Union([Type.Literal('true'), Type.Literal('false')]);
const ModeField = Type.Union(MODES.map((mode) => Type.Literal(mode)));

export const SomeWeightsField = Type.Partial(RewardWeightsField, {
  additionalProperties: false,
  minProperties: 1,
  examples: [{ wait: 2, turns: 0.5 }],
});

const Site = { warehouseId: idLike('kiva-33x36') };
export const WarehouseParams = strict(Site);
export const RouteParams = strict({ ...Site, routeId: Id });
export const PolicyParams = strict({ ...Site, policyVersion: Id });

const LaneNameField = strict({ from: Id, to: Id });
export const LanesBody = strict(
  { lanes: Type.Array(LaneNameField, { minItems: 1, maxItems: LIMITS.lanesPerRequest }) },
  { examples: [{ lanes: [{ from: 'r1c1', to: 'r1c2' }] }] },
);
export const LanesChanged = strict({ lanes: Type.Array(LaneNameField), open: Type.Boolean() });
/** Any word is read: E_MODE_INVALID says which there are. */
export const ModeBody = strict(
  { mode: Type.String({ minLength: 1, maxLength: 20, description: `One of ${MODES.join(', ')}.` }) },
  { examples: MODES.map((mode) => ({ mode })) },
);
export const ModeAnswer = strict({ mode: ModeField });
/** A driven clock begins at 0. */
export const ClockBody = strict({ at: InstantField }, { examples: [{ at: 60_000 }] });
export const ClockAnswer = strict({ at: InstantField });
export const HelloBody = strict(
  { robots: Hello.properties.robots },
  { examples: [{ robots: [{ robotId: 'r1', robotType: 'unit', node: 'r1c0' }] }] },
);
const AT = 1_760_000_000_000;
export const TraceBody = strict(
  { trace: RouteCompletedBody.properties.trace },
  {
    examples: [
      {
        trace: [
          ['r1c0', AT, AT + 1000],
          ['r1c1', AT + 2000, null],
        ],
      },
    ],
  },
);
export const CancelBody = strict(
  { reason: RouteCancelled.properties.reason },
  { examples: [{ reason: 'order withdrawn' }] },
);
export const EventsQuery = strict({ warehouseId: Type.Optional(Id) });
export const LanesQuery = strict({ closed: Type.Optional(Flag) });
export const OpenRoutesQuery = strict({ held: Type.Optional(Flag), robotId: Type.Optional(Id) });

const SpanField = orNull(
  strict({ seconds: Type.Number({ description: "Of the warehouse's clock." }), routes: Count }),
);
const ImprovementField = strict({
  baseline: orNull(
    strict({
      kind: Type.Union([Type.Literal('freeFlow'), Type.Literal('shortestTours')], {
        description:
          'freeFlow: mean score ratio of the routes planned before the policy served. shortestTours: there were ' +
          'too few; what the shortest tours of the first routes would have cost under what lanes really cost.',
      }),
      ratio: Type.Number(),
      routes: Count,
    }),
  ),
  ratio: orNull(
    Type.Number({ description: 'Mean of the newest whole block of routes that the policy planned.' }),
  ),
  policyServedAfter: SpanField,
  tenPercentAfter: SpanField,
  quarterAfter: SpanField,
});

export const WarehouseSummaryField = strict({
  warehouseId: Id,
  mapVersion: Id,
  nodes: Count,
  lanes: Count,
  stations: Count,
  pickFaces: Count,
  robotTypes: Type.Array(Id),
  mode: ModeField,
  clock: Type.Union([Type.Literal('wall'), Type.Literal('driven')]),
  policyVersion: Type.String(),
  weights: RewardWeightsField,
  updatesApplied: Count,
  openRoutes: Count,
  heldRoutes: Count,
  robots: Count,
  closedLanes: Count,
  pressure: Type.Number(),
  slowdown: Type.Number(),
  scoreRatio: orNull(
    Type.Number({
      description: 'Exponential mean of weighted cost over free-flow cost of completed routes.',
    }),
  ),
  completedRoutes: Count,
  regretSeconds: orNull(Type.Number({ description: 'Exponential mean of the regrets measured.' })),
  improvement: ImprovementField,
  stalenessMilliseconds: orNull(Type.Number()),
});
export const LaneField = strict({
  from: Id,
  to: Id,
  lengthMetres: Type.Number(),
  speedLimit: Type.Number(),
  open: Type.Boolean(),
  plannedFlow: Type.Number(),
  price: Type.Number({
    description:
      'Weighted seconds of the first robot type; -1 where it may not drive, or the lane is closed.',
  }),
  closedBy: Type.Optional(
    Type.Union([Type.Literal('closure'), Type.Literal('map')], {
      description: 'Of a closed lane: somebody closed it, or the map has it closed.',
    }),
  ),
  barredTo: Type.Optional(
    Type.Array(Id, { description: 'Robot types that may not drive here; left out where all may.' }),
  ),
});
const CornerCaseBody = {
  routeId: Id,
  robotId: Id,
  plannedAt: InstantField,
  completedAt: InstantField,
  policyVersion: Type.String(),
  mapVersion: Id,
  predictedWaitSeconds: Type.Number(),
  observedWaitSeconds: Type.Number(),
  errorSeconds: Type.Number(),
  robots: Count,
  openRoutes: Count,
  closedLanes: Count,
};
export const CornerCaseField = strict(CornerCaseBody);
export const CornerCaseDetailField = strict({
  ...CornerCaseBody,
  floor: strict({
    closedLanes: Type.Array(LaneNameField),
    plannedFlow: Type.Array(strict({ ...LaneNameField.properties, routes: Count })),
    robots: Type.Array(
      strict({
        robotType: Id,
        node: Id,
        path: Type.Array(Id, { description: 'What it had still to drive; empty without a route.' }),
        stopIndexes: Type.Array(Count),
        handlingSeconds: Type.Array(Type.Number()),
      }),
      { description: "The first is the route's own robot, with its whole route." },
    ),
  }),
});
export const RouteField = strict({
  routeId: Id,
  robotId: Id,
  state: Type.Union(
    (['issued', 'completed', 'cancelled', 'expired'] as const).map((state) => Type.Literal(state)),
  ),
  revision: Count,
  policyVersion: Type.String(),
  issuedAt: InstantField,
  closedAt: orNull(InstantField),
  held: Type.Boolean({ description: 'It is open, and its robot was told to wait.' }),
  nodes: Type.Array(Id, {
    description:
      'Its newest plan. Held: the place to wait at, without stops; empty where the map has changed under the route.',
  }),
  stopIndexes: Type.Array(Count),
  trace: orNull(Type.Array(TraceEntry)),
  scored: orNull(RouteScoredBody),
});
const OpenRouteField = strict({
  routeId: Id,
  robotId: Id,
  robotType: Id,
  revision: Count,
  node: orNull(
    Type.String({
      description: 'Where its robot is as far as known; null: the map has changed under the route.',
    }),
  ),
  assumed: Type.Boolean({ description: 'Its robot reports nothing: the place is by its ETAs.' }),
  issuedAt: InstantField,
  deadlineAt: orNull(InstantField),
  heardAt: orNull(InstantField),
  waitingSeconds: Type.Number({ description: 'Since its robot could go on from the node, handling done.' }),
  lateSeconds: orNull(
    Type.Number({
      description:
        'How much later than its newest plan says it reached the node, or is yet to reach the next; below 0: early.',
    }),
  ),
  held: Type.Boolean({ description: 'Its robot was told to wait.' }),
  heldBecause: orNull(
    Type.Union(
      HOLD_CAUSES.map((cause) => Type.Literal(cause)),
      {
        description:
          'noOpenWay: until lanes open. wayTooLong: until lanes open, or it comes nearer; the way round has more nodes ' +
          'than a route may have. planDue: its next plan comes within a second. ' +
          'otherMap: the map has changed under it, its robot has to cancel it.',
      },
    ),
  ),
});
export const OpenRoutesField = strict({
  total: Type.Integer({ minimum: 0, description: 'All that fit the filter.' }),
  routes: Type.Array(OpenRouteField, { maxItems: LIMITS.routesListed }),
});
export const PolicyField = strict({
  warehouseId: orNull(Type.String({ description: 'Whose it is; null: all warehouses share it.' })),
  policyVersion: Type.String(),
  parent: orNull(Type.String()),
  savedAt: InstantField,
  reason: Type.Union(
    (['shipped', 'interval', 'activation', 'stop', 'request', 'drill'] as const).map((reason) =>
      Type.Literal(reason),
    ),
  ),
  updates: Count,
  trainedOn: orNull(strict({ from: Type.Number(), to: Type.Number() })),
  metrics: Type.Record(Type.String(), Type.Number()),
  checksum: Type.String(),
  active: Type.Boolean({ description: 'It is served, alone or with what was learnt since.' }),
  healthy: Type.Boolean(),
});
export const RollbackQuery = strict({ from: Type.Optional(Id) });
export const DrillBody = strict(
  { sabotage: Type.Union(SABOTAGES.map((kind) => Type.Literal(kind))) },
  { examples: SABOTAGES.map((sabotage) => ({ sabotage })) },
);
export const GuardField = strict({
  warehouseId: Id,
  policyVersion: Type.String(),
  trusted: orNull(Type.String({ description: 'What a breach puts back; null: cold weights.' })),
  pinned: Type.Boolean({ description: 'Learning proves itself in shadow before it is served again.' }),
  rollbacks: Count,
  last: orNull(
    strict({
      cause: Type.Union(
        (['rowError', 'scoreRatio', 'operator'] as const).map((cause) => Type.Literal(cause)),
      ),
      from: Type.String(),
      to: Type.String(),
      at: InstantField,
      servedSeconds: Type.Number({ description: "Of the warehouse's clock, under the bad weights." }),
    }),
  ),
});
export const ShadowField = strict({
  warehouseId: Id,
  mode: ModeField,
  candidate: Type.String({ description: 'Its version.' }),
  plans: Count,
  different: Count,
  expectedSaving: Type.Number({ description: 'Weighted seconds a plan, under its own prices.' }),
  extraFreeFlowSeconds: Type.Number({ description: 'Longer way, a plan.' }),
  lanes: Count,
  waitError: Type.Number({
    description: 'Root of the mean squared error of the waits that it expects, seconds.',
  }),
  freeFlowError: Type.Number({ description: 'The same of expecting none.' }),
});
export const ProblemField = strict({
  type: Type.String({ description: 'urn:aisleflow:error:<code>' }),
  title: Type.String(),
  status: Type.Integer(),
  detail: Type.String({ description: 'What went wrong, and what to do.' }),
  code: Type.String({ description: 'A code of the catalogue, docs/errors.md.' }),
  retry: Type.Boolean(),
  references: Type.Record(Type.String(), Type.Union([Type.String(), Type.Number()])),
});
export const HealthField = strict({ status: Type.String() });
