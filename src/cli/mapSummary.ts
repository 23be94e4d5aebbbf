import type { LaneGraph } from '../warehouse/laneGraph.js';
import { tableText } from './tables.js';

export interface MapSummary {
  readonly warehouseId: string;
  readonly mapVersion: string;
  readonly nodes: number;
  readonly lanes: number;
  readonly oneWayLanes: number;
  readonly closedLanes: number;
  readonly stations: number;
  readonly pickFaces: number;
  readonly widthMetres: number;
  readonly heightMetres: number;
  readonly laneMetres: { readonly shortest: number; readonly mean: number; readonly longest: number };
  readonly speedLimits: readonly number[];
  readonly robotTypes: readonly {
    readonly name: string;
    readonly maximumSpeed: number;
    readonly quarterTurnSeconds: number;
    readonly startSeconds: number;
    readonly lengthMetres: number;
    readonly barredLanes: number;
  }[];
}

const count = (values: ArrayLike<number>, test: (value: number) => boolean): number =>
  Array.prototype.filter.call(values, test).length;

export function summarizeMap(graph: LaneGraph): MapSummary {
  const lengths = Array.from(graph.lengthMetres);
  const extent = (values: Float64Array): number =>
    round(values.reduce(maximum, -Infinity) - values.reduce(minimum, Infinity));
  return {
    warehouseId: graph.warehouseId,
    mapVersion: graph.mapVersion,
    nodes: graph.nodeCount,
    lanes: graph.laneCount,
    oneWayLanes: count(graph.reverseLane, (lane) => lane === -1),
    closedLanes: count(graph.open, (open) => open === 0),
    stations: graph.stations.length,
    pickFaces: graph.pickFaces.length,
    widthMetres: extent(graph.x),
    heightMetres: extent(graph.y),
    laneMetres: {
      shortest: round(lengths.reduce(minimum, Infinity)),
      mean: round(lengths.reduce((sum, length) => sum + length, 0) / lengths.length),
      longest: round(lengths.reduce(maximum, 0)),
    },
    speedLimits: [...new Set(graph.speedLimit)].sort((a, b) => a - b),
    robotTypes: graph.robotTypes.map((type, index) => ({
      ...type,
      barredLanes: count(graph.barredTypes, (bits) => ((bits >>> index) & 1) === 1),
    })),
  };
}

const minimum = (a: number, b: number): number => Math.min(a, b);
const maximum = (a: number, b: number): number => Math.max(a, b);
const round = (value: number): number => Math.round(value * 100) / 100;

export function formatSummary(summary: MapSummary): string {
  const { shortest, mean, longest } = summary.laneMetres;
  const facts = tableText(
    ['warehouse', `${summary.warehouseId}, map version ${summary.mapVersion}`],
    [
      ['size', `${summary.widthMetres} m x ${summary.heightMetres} m`],
      ['nodes', `${summary.nodes}`],
      ['lanes', `${summary.lanes} (${summary.oneWayLanes} one-way, ${summary.closedLanes} closed)`],
      ['lane length', shortest === longest ? `${mean} m` : `${shortest} to ${longest} m, mean ${mean} m`],
      ['speed limits', `${summary.speedLimits.join(', ')} m/s`],
      ['stations', `${summary.stations}`],
      ['pick faces', `${summary.pickFaces}`],
    ],
  );
  const types = tableText(
    ['robot type', 'm/s', 's a quarter turn', 's to start', 'm long', 'lanes barred'],
    summary.robotTypes.map((type) => [
      ...[type.name, type.maximumSpeed, type.quarterTurnSeconds, type.startSeconds],
      ...[type.lengthMetres, type.barredLanes],
    ]),
  );
  return `${facts}\n${types}`;
}
