import { Type, type Static } from 'typebox';
import { LIMITS } from '../../src/domain/limits.js';
import { Id } from '../../src/domain/messages.js';

/** One line of an order file. */
export const OrderSchema = Type.Object(
  {
    orderId: Id,
    atSeconds: Type.Number({
      minimum: 0,
      maximum: 1e9,
      description: 'When it comes in, after the start of the stream.',
    }),
    picks: Type.Array(Id, {
      minItems: 1,
      maxItems: LIMITS.stopsPerTour,
      description: 'Nodes to visit, in any order.',
    }),
    dropoff: Type.Optional(Type.Unsafe<string>({ ...Id, description: 'Node to visit last.' })),
    priority: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 9, description: 'Higher is served first; else 0.' }),
    ),
    deadlineSeconds: Type.Optional(
      Type.Number({ exclusiveMinimum: 0, maximum: 1e6, description: 'After it came in.' }),
    ),
  },
  { additionalProperties: false },
);

export type Order = Static<typeof OrderSchema>;
