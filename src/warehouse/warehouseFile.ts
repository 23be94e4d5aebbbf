import { Type, type Static, type TSchema } from 'typebox';
import { LIMITS } from '../domain/limits.js';
import { Id } from '../domain/messages.js';

/**
 * The native map format: what a warehouse file says. Metres, metres per second, seconds; y grows
 * downwards, as rows do. `docs/warehouse.schema.json` is generated from this schema.
 */
const strict = <P extends Record<string, TSchema>>(properties: P, options: { description?: string } = {}) =>
  Type.Object(properties, { ...options, additionalProperties: false });

const Metres = Type.Number({ minimum: -1e6, maximum: 1e6 });
const Seconds = Type.Number({ minimum: 0, maximum: 3600 });
const Speed = Type.Number({
  minimum: LIMITS.speedLeast,
  maximum: 50,
  description: 'Metres per second.',
});

export const NodeEntry = strict({
  id: Id,
  x: Metres,
  y: Metres,
  handlingSeconds: Type.Optional(
    Type.Number({
      ...Seconds,
      description: 'What a stop takes here unless the order says otherwise; else 0.',
    }),
  ),
});

export const LaneEntry = strict(
  {
    from: Id,
    to: Id,
    lengthMetres: Type.Optional(
      Type.Number({
        minimum: LIMITS.laneMetresLeast,
        maximum: LIMITS.laneMetresMost,
        description: 'Else the straight line between the ends.',
      }),
    ),
    speedLimit: Type.Optional(Speed),
    twoWay: Type.Optional(Type.Boolean({ description: 'True: stands for the lane back as well.' })),
    open: Type.Optional(Type.Boolean({ description: 'False: starts closed.' })),
    barred: Type.Optional(
      Type.Array(Id, {
        maxItems: LIMITS.robotTypesPerWarehouse,
        description: 'Robot types that may not drive here.',
      }),
    ),
  },
  { description: 'A lane from one node to another.' },
);

export const RobotTypeEntry = strict({
  name: Id,
  maximumSpeed: Speed,
  quarterTurnSeconds: Type.Optional(
    Type.Number({ ...Seconds, description: 'For a turn by 90 degrees; else 0.' }),
  ),
  startSeconds: Type.Optional(
    Type.Number({ ...Seconds, description: 'To get going after each stop; else 0.' }),
  ),
  lengthMetres: Type.Number({
    minimum: LIMITS.robotMetresLeast,
    maximum: 100,
    description: 'Floor that the robot holds.',
  }),
});

export const WarehouseFileSchema = strict(
  {
    $schema: Type.Optional(Type.String({ description: 'For editors: where this schema lies.' })),
    // It names a folder and a part of a path: `..` must not be one.
    id: Type.String({ ...Id, pattern: '^[A-Za-z0-9_:+-][A-Za-z0-9_.:+-]*$' }),
    mapVersion: Id,
    name: Type.Optional(Type.String({ maxLength: 200 })),
    robotTypes: Type.Array(RobotTypeEntry, { maxItems: LIMITS.robotTypesPerWarehouse }),
    laneDefaults: Type.Optional(
      strict(
        { speedLimit: Type.Optional(Speed), twoWay: Type.Optional(Type.Boolean()) },
        { description: 'What holds for lanes that do not say otherwise.' },
      ),
    ),
    nodes: Type.Array(NodeEntry, { maxItems: LIMITS.nodesPerWarehouse }),
    stations: Type.Array(Id, {
      maxItems: LIMITS.nodesPerWarehouse,
      description: 'Nodes where goods are handed over.',
    }),
    pickFaces: Type.Array(Id, {
      maxItems: LIMITS.nodesPerWarehouse,
      description: 'Nodes where goods are picked.',
    }),
    lanes: Type.Array(LaneEntry, { maxItems: LIMITS.lanesPerWarehouse }),
  },
  { description: 'A warehouse map of Aisleflow: nodes, directed lanes, stations, pick faces, robot types.' },
);

export type WarehouseFile = Static<typeof WarehouseFileSchema>;
export type LaneEntryContent = Static<typeof LaneEntry>;
export type RobotTypeEntryContent = Static<typeof RobotTypeEntry>;

/** The file as text: one node, lane or robot type a line, names wrapped, so that changes show in a diff. */
export function formatWarehouseFile(file: WarehouseFile): string {
  const { nodes, lanes, robotTypes, stations, pickFaces, ...head } = file;
  const fields = Object.entries(head).map(([key, value]) => `  "${key}": ${oneLine(value)}`);
  const list = (key: string, lines: readonly string[]): void => {
    fields.push(lines.length === 0 ? `  "${key}": []` : `  "${key}": [\n    ${lines.join(',\n    ')}\n  ]`);
  };
  list('robotTypes', robotTypes.map(oneLine));
  list('stations', wrapNames(stations));
  list('pickFaces', wrapNames(pickFaces));
  list('nodes', nodes.map(oneLine));
  list('lanes', lanes.map(oneLine));
  return `{\n${fields.join(',\n')}\n}\n`;
}

function oneLine(value: unknown): string {
  return JSON.stringify(value, null, 1).replaceAll(/\n */g, ' ');
}

function wrapNames(names: readonly string[]): string[] {
  const lines: string[] = [];
  for (let i = 0; i < names.length; i += 12) {
    lines.push(
      names
        .slice(i, i + 12)
        .map((name) => JSON.stringify(name))
        .join(', '),
    );
  }
  return lines;
}

/** The published JSON Schema (draft 2020-12) of the format, as text. */
export function formatWarehouseSchema(): string {
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Aisleflow warehouse',
    ...WarehouseFileSchema,
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}
