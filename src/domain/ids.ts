/** Branded identifiers: a robot's name cannot be passed where a node's is wanted. */
declare const brand: unique symbol;
type Branded<T, Name extends string> = T & { readonly [brand]: Name };

export type WarehouseId = Branded<string, 'WarehouseId'>;
/** A node's name as maps and messages write it. */
export type NodeId = Branded<string, 'NodeId'>;
export type RobotId = Branded<string, 'RobotId'>;
export type RequestId = Branded<string, 'RequestId'>;
export type RouteId = Branded<string, 'RouteId'>;
/** Saved version and the updates on top of it: `v3+128`. `free-flow` where no network serves. */
export type PolicyVersion = Branded<string, 'PolicyVersion'>;
/** Position of a node in the compiled arrays of its warehouse, 0-based. */
export type NodeIndex = Branded<number, 'NodeIndex'>;
/** Position of a lane in the compiled arrays of its warehouse, 0-based, grouped by start node. */
export type LaneIndex = Branded<number, 'LaneIndex'>;

/** Instants are integer milliseconds since the epoch, on the clock of their warehouse. */
export type Instant = number;
