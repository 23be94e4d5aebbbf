/**
 * The wire messages as schemas: one source for types, validation and OpenAPI.
 * Unknown fields are refused everywhere; instants are integer milliseconds, durations seconds.
 */
import { Type, type Static, type TSchema } from 'typebox';
import { COMPONENTS, DEFAULT_REWARD_WEIGHTS, type Component } from './components.js';
import { LIMITS } from './limits.js';

/** An object that refuses unknown fields. Examples are what the page of the API fills in: calls that kiva-33x36 takes. */
export const strict = <P extends Record<string, TSchema>>(
  properties: P,
  options: { readonly examples?: readonly unknown[] } = {},
) => Type.Object(properties, { ...options, additionalProperties: false });

/** What ids are made of, in words and as the one pattern of the wire. */
export const ID_CHARACTERS = 'A-Z a-z 0-9 _ . : + -';
const ID = { minLength: 1, maxLength: LIMITS.idLength, pattern: '^[A-Za-z0-9_.:+-]+$' };
export const Id = Type.String(ID);
/** An id that the page of the API fills in. */
export const idLike = (example: string) => Type.String({ ...ID, examples: [example] });
export const InstantField = Type.Integer({ minimum: 0, maximum: 8.64e15 });
const Reason = Type.String({ minLength: 1, maxLength: LIMITS.reasonLength });
const Count = Type.Integer({ minimum: 0 });

export const ComponentsField = strict(
  Object.fromEntries(COMPONENTS.map((name) => [name, Type.Number()])) as Record<
    Component,
    ReturnType<typeof Type.Number>
  >,
);
/** Their range is checked where they are set: E_WEIGHTS_INVALID says which is out of it. */
const WeightField = Type.Number({ description: '0 to 100; time at least 0.001' });
export const RewardWeightsField = strict(
  Object.fromEntries(COMPONENTS.map((name) => [name, WeightField])) as Record<
    Component,
    ReturnType<typeof Type.Number>
  >,
  { examples: [DEFAULT_REWARD_WEIGHTS] },
);

/** A stop's name alone, or with the seconds that handling takes there (else the map's). */
export const StopField = Type.Union([
  Id,
  strict({ node: Id, handlingSeconds: Type.Optional(Type.Number({ minimum: 0, maximum: 3600 })) }),
]);

/** One node held: name, arrival, departure or null where the fleet does not know it. */
export const TraceEntry = Type.Tuple([Id, InstantField, Type.Union([InstantField, Type.Null()])]);

// ---- from the fleet

export const Hello = strict({
  type: Type.Literal('hello'),
  warehouseId: Id,
  robots: Type.Array(strict({ robotId: Id, robotType: Id, node: Type.Optional(Id) }), {
    maxItems: LIMITS.robotsPerHello,
  }),
});
export const RobotState = strict({
  type: Type.Literal('robot.state'),
  robotId: Id,
  node: Id,
  available: Type.Boolean(),
  pausedReason: Type.Optional(Reason),
  maximumSpeed: Type.Optional(
    Type.Number({
      ...{ exclusiveMinimum: 0, maximum: 50 },
      description: 'Metres per second. Not used yet: plans go by the speed of the robot type.',
    }),
  ),
  at: InstantField,
});
export const RouteRequestBody = strict(
  {
    requestId: Id,
    robotId: Id,
    from: Id,
    /** The length is checked by the service, which names the limit (E_NO_STOPS, E_TOO_MANY_STOPS): `welcome` tells it, fewer on large maps. */
    stops: Type.Array(StopField, { maxItems: LIMITS.stopsRead }),
    dropoff: Type.Optional(StopField),
    priority: Type.Optional(Type.Integer({ minimum: 0, maximum: 9 })),
    deadlineAt: Type.Optional(InstantField),
  },
  {
    examples: [
      {
        ...{ requestId: 'a1', robotId: 'r1', from: 'r1c0', dropoff: 'r4c0' },
        stops: ['r4c5', { node: 'r7c9', handlingSeconds: 8 }],
      },
    ],
  },
);
/**
 * Sent again with the same content it gets the same answer, or the route's newest plan if that begins where it asks;
 * E_ROUTE_OPEN where it does not, or its robot waits: hello, then `route.deviated`, leads on. E_ROUTE_CLOSED: it is over.
 */
export const RouteRequest = strict({ type: Type.Literal('route.request'), ...RouteRequestBody.properties });
/**
 * `revision` is the one that the robot follows. An older one than the newest is taken all the same: the report
 * crossed with its update. A newer one is refused with E_UNKNOWN_REVISION. Progress under the newest says, too, that the
 * robot has made all stops which that leaves out: one that lacks any asks by `route.deviated`.
 */
export const RouteProgress = strict({
  type: Type.Literal('route.progress'),
  routeId: Id,
  revision: Count,
  node: Id,
  at: InstantField,
});
/**
 * Asks for a way from where the robot stands. Under the newest revision, where its plan begins: that leaves out stops
 * which the robot has not made, and is answered with all of the route if any was taken for made that no progress told of.
 */
export const RouteDeviated = strict({ ...RouteProgress.properties, type: Type.Literal('route.deviated') });
export const RouteCompletedBody = strict({
  routeId: Id,
  trace: Type.Array(TraceEntry, { minItems: 1, maxItems: LIMITS.traceEntries }),
});
export const RouteCompleted = strict({
  type: Type.Literal('route.completed'),
  ...RouteCompletedBody.properties,
});
export const RouteCancelled = strict({ type: Type.Literal('route.cancelled'), routeId: Id, reason: Reason });

export const FromFleet = Type.Union([
  Hello,
  RobotState,
  RouteRequest,
  RouteProgress,
  RouteDeviated,
  RouteCompleted,
  RouteCancelled,
]);
/** Each message a fleet may send, by its type. */
export const FROM_FLEET = {
  hello: Hello,
  'robot.state': RobotState,
  'route.request': RouteRequest,
  'route.progress': RouteProgress,
  'route.deviated': RouteDeviated,
  'route.completed': RouteCompleted,
  'route.cancelled': RouteCancelled,
} as const;

// ---- to the fleet

/** What the tour was chosen over: seconds of free flow, and weighted seconds. */
export const WhyField = strict({
  freeFlowSeconds: Type.Number(),
  pricedCost: Type.Number(),
  shortestPricedCost: Type.Number(),
  /** 'priced' or 'shortest' (the limit on detours, or on nodes, chose it). */
  served: Type.Union([Type.Literal('priced'), Type.Literal('shortest')]),
});
export const PlanField = {
  stopOrder: Type.Array(Count, {
    description: 'Positions in the request, in the order of visit; drop-off excluded.',
  }),
  stopIndexes: Type.Array(Count, { description: 'Where in nodes each stop is reached, drop-off last.' }),
  nodes: Type.Array(Id),
  etaSeconds: Type.Array(Type.Number(), {
    description:
      'Arrival at each node, in seconds since the first: since the issue, or for an update since it was made, or since ' +
      'the `at` of the `route.deviated` that asked for it.',
  }),
  expected: ComponentsField,
  why: WhyField,
};
export const RouteAssignedBody = strict({
  requestId: Id,
  routeId: Id,
  robotId: Id,
  revision: Count,
  mapVersion: Id,
  policyVersion: Type.String(),
  ...PlanField,
});
export const RouteAssigned = strict({
  type: Type.Literal('route.assigned'),
  ...RouteAssignedBody.properties,
});
/**
 * A newer plan of an open route, from where the service takes its robot to be, with the last of its stops, as many as
 * `stopIndexes`: mostly fewer than the plan before had, but more where that left out some that its robot was only
 * assumed to have made. A plan that leaves out a stop that is not made is answered with `route.deviated`. A robot that has
 * reached its last stop leaves it alone and goes on reporting `route.completed`: the update was on its way when the report was.
 */
export const RouteUpdated = strict({
  type: Type.Literal('route.updated'),
  routeId: Id,
  robotId: Id,
  revision: Count,
  reason: Type.Union(
    [
      Type.Literal('deviated'),
      Type.Literal('laneClosed'),
      Type.Literal('laneOpened'),
      Type.Literal('placeRefuted'),
    ],
    {
      description:
        'Its robot left its way; a lane of it closed; there is a way for one that was told to wait; or it was heard ' +
        'of where it cannot be by what was assumed of it.',
    },
  ),
  policyVersion: Type.String(),
  ...PlanField,
});
export const RouteHeld = strict({
  type: Type.Literal('route.held'),
  routeId: Id,
  robotId: Id,
  revision: Count,
  node: Id,
  reason: Reason,
});
export const RouteScoredBody = strict({
  routeId: Id,
  score: Type.Number(),
  ratio: Type.Number(),
  components: ComponentsField,
  regretSeconds: Type.Union([Type.Number(), Type.Null()]),
  learnt: Type.Boolean(),
  reason: Type.Optional(
    Type.String({
      description:
        'Why nothing was learnt: a code of the catalogue and its text where the trace was refused, else that the ' +
        'mode does not learn, that no lane was driven, or that the values of the lanes cannot be learnt.',
    }),
  ),
  duplicate: Type.Optional(Type.Literal(true)),
});
export const RouteScored = strict({ type: Type.Literal('route.scored'), ...RouteScoredBody.properties });
export const RouteClosed = strict({
  type: Type.Literal('route.closed'),
  routeId: Id,
  state: Type.Union([Type.Literal('completed'), Type.Literal('cancelled'), Type.Literal('expired')]),
});
export const OpenRouteField = strict({
  routeId: Id,
  robotId: Id,
  revision: Count,
  held: Type.Boolean({ description: 'There is no way now: wait at the node named.' }),
  stopIndexes: Type.Array(Count, {
    description:
      'Stops that are left, as positions in `nodes`; none, and not held: all is done, complete it.',
  }),
  nodes: Type.Array(Id, {
    description:
      'What is left of the way, from where the robot is known or, by its ETAs, taken to be: one that stands ' +
      'elsewhere, or lacks stops, sends route.deviated. Held: the place to wait at; empty where the map has changed.',
  }),
});
export const Welcome = strict({
  type: Type.Literal('welcome'),
  warehouseId: Id,
  mapVersion: Id,
  policyVersion: Type.String(),
  serverTime: InstantField,
  limits: Type.Record(Type.String(), Type.Number()),
  openRoutes: Type.Array(OpenRouteField),
});
export const PolicyUpdated = strict({
  type: Type.Literal('policy.updated'),
  warehouseId: Id,
  policyVersion: Type.String(),
});
export const WeightsUpdated = strict({
  type: Type.Literal('weights.updated'),
  warehouseId: Id,
  weights: RewardWeightsField,
});
export const ErrorMessage = strict({
  type: Type.Literal('error'),
  code: Type.String(),
  message: Type.String(),
  references: Type.Record(Type.String(), Type.Union([Type.String(), Type.Number()])),
});

/** Each message a fleet may get, by its type. */
export const TO_FLEET = {
  welcome: Welcome,
  'route.assigned': RouteAssigned,
  'route.updated': RouteUpdated,
  'route.held': RouteHeld,
  'route.scored': RouteScored,
  'route.closed': RouteClosed,
  'policy.updated': PolicyUpdated,
  'weights.updated': WeightsUpdated,
  error: ErrorMessage,
} as const;

export const MODES = ['off', 'observe', 'shadow', 'learn', 'frozen'] as const;
export type Mode = (typeof MODES)[number];

export type HelloMessage = Static<typeof Hello>;
export type RobotStateMessage = Static<typeof RobotState>;
export type RouteRequestMessage = Static<typeof RouteRequest>;
export type RouteRequestContent = Static<typeof RouteRequestBody>;
export type RouteProgressMessage = Static<typeof RouteProgress>;
export type RouteDeviatedMessage = Static<typeof RouteDeviated>;
export type RouteCompletedMessage = Static<typeof RouteCompleted>;
export type RouteCompletedContent = Static<typeof RouteCompletedBody>;
export type RouteCancelledMessage = Static<typeof RouteCancelled>;
export type FromFleetMessage = Static<typeof FromFleet>;
export type Stop = Static<typeof StopField>;
export type Trace = readonly Static<typeof TraceEntry>[];
export type Why = Static<typeof WhyField>;
export type RouteAssignedContent = Static<typeof RouteAssignedBody>;
export type RouteAssignedMessage = Static<typeof RouteAssigned>;
export type RouteUpdatedMessage = Static<typeof RouteUpdated>;
export type RouteHeldMessage = Static<typeof RouteHeld>;
export type RouteScoredContent = Static<typeof RouteScoredBody>;
export type RouteScoredMessage = Static<typeof RouteScored>;
export type RouteClosedMessage = Static<typeof RouteClosed>;
export type WelcomeMessage = Static<typeof Welcome>;
export type PolicyUpdatedMessage = Static<typeof PolicyUpdated>;
export type WeightsUpdatedMessage = Static<typeof WeightsUpdated>;
export type ErrorMessageContent = Static<typeof ErrorMessage>;
export type ToFleetMessage =
  | RouteAssignedMessage
  | RouteUpdatedMessage
  | RouteHeldMessage
  | RouteScoredMessage
  | RouteClosedMessage
  | WelcomeMessage
  | PolicyUpdatedMessage
  | WeightsUpdatedMessage
  | ErrorMessageContent;
