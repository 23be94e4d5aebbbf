import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { TSchema } from 'typebox';
import { LIMITS } from '../src/domain/limits.js';
import { FROM_FLEET, ID_CHARACTERS, TO_FLEET } from '../src/domain/messages.js';

export const WIRE_DOCS = join(import.meta.dirname, '..', 'docs', 'websocket.md');

type Direction = Record<string, TSchema>;
interface Described {
  /** When it is sent, and what comes of it. */
  readonly when: string;
  readonly example: Readonly<Record<string, unknown>>;
}

const AT = 1_760_000_000_000;
const PLAN = {
  stopOrder: [1, 0],
  stopIndexes: [2, 5, 7],
  nodes: ['r1c7', 'r2c7', 'r3c7', 'r3c8', 'r3c9', 'r4c9', 'r4c10', 'r4c11'],
  etaSeconds: [0, 1, 2, 11, 12, 13, 22, 23],
  expected: { time: 7, wait: 1.5, blocking: 0.4, distance: 7, turns: 3, lateness: 0 },
  why: { freeFlowSeconds: 7, pricedCost: 9.1, shortestPricedCost: 9.1, served: 'priced' },
};
const COMPONENTS = { time: 7, wait: 3, blocking: 1, distance: 7, turns: 3, lateness: 0 };

/** What the schemas do not say: an entry for each message. */
export const DESCRIBED: Readonly<Record<string, Described>> = {
  hello: {
    when: 'First, on each connection, and again for robots that join, `limits.robotsPerHello` of them at a time. Answered with `welcome`, or `error` and none of the robots is known.',
    example: {
      type: 'hello',
      warehouseId: 'w1',
      robots: [{ robotId: 'r1', robotType: 'unit', node: 'r1c7' }],
    },
  },
  'robot.state': {
    when: 'Where a robot without a route stands, and that one can or cannot drive: waits for one that cannot are nobody’s fault. Not answered.',
    example: {
      type: 'robot.state',
      robotId: 'r1',
      node: 'r1c7',
      available: false,
      pausedReason: 'battery',
      at: AT,
    },
  },
  'route.request': {
    when: 'Asks for a tour; handling takes 0 to 3,600 s at a stop. Answered with `route.assigned`, or `error`. Sent again with the same `requestId` and content it gets the same answer, or the newest plan of its route if that begins where it asks. Once the robot has moved on, or waits, it gets `E_ROUTE_OPEN` with the `routeId` of its own route: say `hello` and go on with that, or send `route.deviated`. Once the route is over it gets `E_ROUTE_CLOSED`: ask under a new `requestId`.',
    example: {
      ...{ type: 'route.request', requestId: 'a1', robotId: 'r1', from: 'r1c7' },
      ...{ stops: ['r4c9', { node: 'r3c7', handlingSeconds: 8 }], dropoff: 'r4c11', deadlineAt: AT + 60_000 },
    },
  },
  'route.progress': {
    when: 'The node just reached. Each one if you can; without any the robot is taken for where its ETAs put it. `at` is taken for 5 s after the server’s time (`welcome.serverTime`) where it is later than that, and what is from before the last report is not taken for news. Not answered.',
    example: { type: 'route.progress', routeId: 'x1', revision: 0, node: 'r2c7', at: AT + 1000 },
  },
  'route.deviated': {
    when: 'The robot stands beside its plan, or lacks stops that its newest plan leaves out. Answered with `route.updated`; with `route.held` and an `error` where there is no way.',
    example: { type: 'route.deviated', routeId: 'x1', revision: 0, node: 'r2c8', at: AT + 2000 },
  },
  'route.completed': {
    when: 'All stops are made: every node held, with arrival and departure (null where not known). Answered with `route.scored`, once and for all: sent again it gets the same.',
    example: {
      type: 'route.completed',
      routeId: 'x1',
      trace: [
        ['r1c7', AT, AT + 1000],
        ['r2c7', AT + 2000, null],
      ],
    },
  },
  'route.cancelled': {
    when: 'The robot gives its route up. Answered with `route.closed`.',
    example: { type: 'route.cancelled', routeId: 'x1', reason: 'order withdrawn' },
  },
  welcome: {
    when: 'Answers `hello`. `openRoutes` is what its robots have still to drive: they go on with that, or report it completed.',
    example: {
      ...{ type: 'welcome', warehouseId: 'w1', mapVersion: '1', policyVersion: 'v3+128', serverTime: AT },
      limits: {
        ...{ stopsPerTour: 60, stopsPerTourAlways: 60, robotsPerHello: LIMITS.robotsPerHello },
        ...{ traceEntries: LIMITS.traceEntries, messageBytes: LIMITS.webSocketMessageBytes },
      },
      openRoutes: [
        {
          routeId: 'x1',
          robotId: 'r1',
          revision: 1,
          held: false,
          stopIndexes: [2],
          nodes: ['r3c8', 'r4c8', 'r4c9'],
        },
      ],
    },
  },
  'route.assigned': {
    when: 'Answers `route.request`.',
    example: {
      ...{ type: 'route.assigned', requestId: 'a1', routeId: 'x1', robotId: 'r1', revision: 0 },
      ...{ mapVersion: '1', policyVersion: 'v3+128', ...PLAN },
    },
  },
  'route.updated': {
    when: 'A newer plan of an open route, at any time. Follow the highest `revision`; ignore older ones.',
    example: {
      ...{ type: 'route.updated', routeId: 'x1', robotId: 'r1', revision: 1, reason: 'laneClosed' },
      ...{ policyVersion: 'v3+129', ...PLAN },
    },
  },
  'route.held': {
    when: 'There is no way now: wait at the node named, until `route.updated` comes.',
    example: {
      ...{ type: 'route.held', routeId: 'x1', robotId: 'r1', revision: 2, node: 'r2c7' },
      reason: 'no open way to the next stop; wait here',
    },
  },
  'route.scored': {
    when: 'Answers `route.completed`. Where `learnt` is false `reason` says why; where that is a code of the catalogue the trace could not be read, and score, ratio and components say nothing.',
    example: {
      ...{ type: 'route.scored', routeId: 'x1', score: -12.4, ratio: 1.77, components: COMPONENTS },
      ...{ regretSeconds: 0.8, learnt: true },
    },
  },
  'route.closed': {
    when: 'The route is over: cancelled, or expired, four hours after its issue.',
    example: { type: 'route.closed', routeId: 'x1', state: 'cancelled' },
  },
  'policy.updated': {
    when: 'Other weights are served. For displays: nothing has to be done.',
    example: { type: 'policy.updated', warehouseId: 'w1', policyVersion: 'v3+129' },
  },
  'weights.updated': {
    when: 'Somebody changed the reward weights.',
    example: {
      ...{ type: 'weights.updated', warehouseId: 'w1' },
      weights: { time: 1, wait: 1, blocking: 0.5, distance: 0, turns: 0, lateness: 1 },
    },
  },
  error: {
    when: 'A message was refused; nothing has changed but what was told before it (`route.held`). [errors.md](errors.md) lists the codes.',
    example: {
      ...{ type: 'error', code: 'E_UNKNOWN_NODE', message: 'Warehouse w1 has no node r9c9.' },
      references: { warehouseId: 'w1', nodeId: 'r9c9', requestId: 'a1', robotId: 'r1' },
    },
  },
};

const HEAD = `# WebSocket

Generated from \`src/domain/messages.ts\` by \`npm run docs:websocket\`. [\`examples/robot.ts\`](../examples/robot.ts) is a robot that speaks it.

Connect to \`/v1/ws\` with the sub-protocol \`aisleflow.v1\` and the header \`Authorization: Bearer TOKEN\` (a robot's token). Each message is
one JSON text of at most 1 MiB; fields that are not named here are refused. One connection may speak for one robot or for a whole fleet.
Instants are integer milliseconds since the epoch, by the robot's clock; durations are seconds. Ids are 1 to 64 of \`${ID_CHARACTERS}\`. Nodes
are those of the map file (\`nodes[].id\`); on grids \`r4c5\` is row 4, column 5, both counted from 0, blocked cells too.

| closed with | when |
|---|---|
| 400 instead of 101 | the sub-protocol is missing or another one, or the handshake cannot be read |
| 401, 403 instead of 101 | no token, or one that is unknown or may not connect |
| 426 instead of 101 | it is no handshake: it lacks \`Upgrade: websocket\`; some proxies take it out |
| 503 instead of 101 | the server stops: come back |
| 1001 | the server stops: come back |
| 1002 | what came is no WebSocket frame |
| 1008 | the token was revoked or has expired, or a message came in too many parts |
| 1009 | a message is too large |
| 1013 | this connection reads too slowly, or left a message unfinished: try again later |
| 1006: no close frame | it was lost, or the server has all connections that it takes: try again later |

A lost connection loses nothing: connect again, say \`hello\`, and send again what was not answered. Answers name what they answer
(\`requestId\`, \`routeId\`); \`route.updated\` and \`route.held\` come at any time.
`;

/** The text of docs/websocket.md. */
export function wireDocs(): string {
  return [HEAD, section('To the server', FROM_FLEET), section('From the server', TO_FLEET)].join('\n');
}

function section(title: string, messages: Direction): string {
  const parts = Object.entries(messages).map(([name, schema]) => {
    const { when, example } = DESCRIBED[name]!;
    const fields = rowsOf(schema, '').filter(([field]) => field !== '`type`');
    return [
      `### ${name}\n`,
      `${when}\n`,
      '| field | type | |\n|---|---|---|',
      ...fields.map((row) => `| ${row.join(' | ')} |`),
      `\n\`\`\`json\n${JSON.stringify(example)}\n\`\`\`\n`,
    ].join('\n');
  });
  return `## ${title}\n\n${parts.join('\n')}`;
}

interface Shape {
  readonly type?: string;
  readonly const?: unknown;
  readonly anyOf?: readonly Shape[];
  readonly items?: Shape | readonly Shape[];
  readonly properties?: Record<string, Shape>;
  readonly required?: readonly string[];
  readonly patternProperties?: unknown;
  readonly description?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
}

/** A row for each field, those of objects in it below it. */
function rowsOf(schema: Shape, prefix: string): [string, string, string][] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const optional = schema.required?.includes(name) === true ? '' : ', may be left out';
    const own: [string, string, string] = [
      `\`${prefix}${name}\``,
      typeText(field) + optional,
      field.description ?? '',
    ];
    const inner = Array.isArray(field.items) ? undefined : (field.items as Shape | undefined);
    return [
      own,
      ...rowsOf(field, `${prefix}${name}.`),
      ...(inner?.properties ? rowsOf(inner, `${prefix}${name}[].`) : []),
    ];
  });
}

function typeText(schema: Shape): string {
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.anyOf) return schema.anyOf.map(typeText).join(' or ');
  if (Array.isArray(schema.items)) return `[${schema.items.map(typeText).join(', ')}]`;
  if (schema.type === 'array') {
    const count = rangeText(schema.minItems, schema.maxItems);
    return `list of ${count && `${count} `}${typeText(schema.items as Shape)}`;
  }
  // The head says what ids are made of.
  if (schema.pattern !== undefined) return 'id';
  if (schema.maxLength !== undefined)
    return `string, ${rangeText(schema.minLength, schema.maxLength)} characters`;
  if (schema.type === 'object' && schema.properties) return `{${Object.keys(schema.properties).join(', ')}}`;
  const isBounded = schema.maximum !== undefined && schema.maximum < 1e6;
  return `${schema.type ?? 'any'}${isBounded ? `, ${rangeText(schema.minimum, schema.maximum)}` : ''}`;
}

function rangeText(least = 0, most?: number): string {
  return most === undefined ? '' : `${least} to ${most.toLocaleString('en')}`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  writeFileSync(WIRE_DOCS, wireDocs());
  console.log(`${WIRE_DOCS}: ${Object.keys(DESCRIBED).length} messages.`);
}
