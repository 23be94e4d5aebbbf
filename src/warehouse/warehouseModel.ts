import createGraph, { type Graph } from 'ngraph.graph';
import type { NodeId, NodeIndex, WarehouseId } from '../domain/ids.js';
import { groupMembers, groupOffsets, reverseLanes, straightLanes } from './laneArrays.js';
import type { LaneGraph, RobotType } from './laneGraph.js';
import type { LaneEntryContent, WarehouseFile } from './warehouseFile.js';

export interface NodeData {
  x: number;
  y: number;
  handlingSeconds: number;
  station: boolean;
  pickFace: boolean;
}

export interface LaneData {
  lengthMetres: number;
  speedLimit: number;
  open: boolean;
  barred: readonly string[];
}

/** The editable form of a warehouse: an `ngraph.graph` whose nodes and links may be added and removed. */
export interface WarehouseModel {
  readonly id: string;
  readonly mapVersion: string;
  readonly robotTypes: readonly RobotType[];
  readonly graph: Graph<NodeData, LaneData>;
}

/** Each directed lane of a file, `twoWay` taken apart and defaults filled in. */
export function* lanesOf(
  file: WarehouseFile,
): Generator<LaneData & { readonly from: string; readonly to: string; readonly entry: number }> {
  const places = new Map(file.nodes.map((node) => [node.id, node]));
  for (const [entry, lane] of file.lanes.entries()) {
    const from = places.get(lane.from);
    const to = places.get(lane.to);
    const straight = from && to ? straightMetres(to.x - from.x, to.y - from.y) : NaN;
    const data = {
      lengthMetres: lane.lengthMetres ?? straight,
      speedLimit: lane.speedLimit ?? file.laneDefaults?.speedLimit ?? NaN,
      open: lane.open ?? true,
      barred: lane.barred ?? [],
      entry,
    };
    yield { ...data, from: lane.from, to: lane.to };
    if (isTwoWay(file, lane)) yield { ...data, from: lane.to, to: lane.from };
  }
}

/** In whole micrometres: 120 - 118.8 shall be 1.2, or a robot of 1.2 m would not fit in it. */
function straightMetres(x: number, y: number): number {
  return Math.round(Math.hypot(x, y) * 1e6) / 1e6;
}

function isTwoWay(file: WarehouseFile, lane: LaneEntryContent): boolean {
  return lane.twoWay ?? file.laneDefaults?.twoWay ?? false;
}

/** The model of a file's content. The content is taken as sound: `validateWarehouse` names its faults. */
export function createWarehouseModel(file: WarehouseFile): WarehouseModel {
  const graph = createGraph<NodeData, LaneData>({ multigraph: false });
  const stations = new Set(file.stations);
  const pickFaces = new Set(file.pickFaces);
  for (const node of file.nodes) {
    graph.addNode(node.id, {
      x: node.x,
      y: node.y,
      handlingSeconds: node.handlingSeconds ?? 0,
      station: stations.has(node.id),
      pickFace: pickFaces.has(node.id),
    });
  }
  for (const { from, to, lengthMetres, speedLimit, open, barred } of lanesOf(file)) {
    graph.addLink(from, to, { lengthMetres, speedLimit, open, barred });
  }
  const robotTypes = file.robotTypes.map((type) => ({
    name: type.name,
    maximumSpeed: type.maximumSpeed,
    quarterTurnSeconds: type.quarterTurnSeconds ?? 0,
    startSeconds: type.startSeconds ?? 0,
    lengthMetres: type.lengthMetres,
  }));
  return { id: file.id, mapVersion: file.mapVersion, robotTypes, graph };
}

interface Link extends LaneData {
  readonly from: number;
  readonly to: number;
}

/**
 * Typed arrays for the hot path. Nodes keep the model's order; lanes are sorted by start node, then end
 * node, so one content always compiles to one graph.
 */
export function compileWarehouse(model: WarehouseModel): LaneGraph {
  const nodes = compileNodes(model);
  const links: Link[] = [];
  model.graph.forEachLink((link) => {
    const from = nodes.nodeIndexOf.get(String(link.fromId)) as number;
    const to = nodes.nodeIndexOf.get(String(link.toId)) as number;
    links.push({ ...link.data, from, to });
  });
  links.sort((a, b) => a.from - b.from || a.to - b.to);
  const lanes = compileLanes(model, nodes.nodeCount, links, nodes);
  const { robotTypes } = model;
  const freeFlowSeconds = robotTypes.map((type, index) =>
    Float64Array.from(links, (link, lane) =>
      ((lanes.barredTypes[lane] as number) >>> index) & 1
        ? Infinity
        : link.lengthMetres / Math.min(link.speedLimit, type.maximumSpeed),
    ),
  );
  return {
    warehouseId: model.id as WarehouseId,
    mapVersion: model.mapVersion,
    ...nodes,
    ...lanes,
    robotTypes,
    robotTypeIndexOf: new Map(robotTypes.map((type, index) => [type.name, index])),
    freeFlowSeconds,
    steps: Float64Array.from(links, ({ lengthMetres, speedLimit }, lane) => {
      const fastest = Math.min(...freeFlowSeconds.map((seconds) => seconds[lane]!));
      return fastest < Infinity ? fastest : lengthMetres / speedLimit;
    }),
    turnsTakeTime: robotTypes.map((type) => type.quarterTurnSeconds > 0),
  };
}

function compileNodes(model: WarehouseModel) {
  const nodeIds: NodeId[] = [];
  const data: NodeData[] = [];
  model.graph.forEachNode((node) => {
    nodeIds.push(String(node.id) as NodeId);
    data.push(node.data);
  });
  const indexesWhere = (test: (node: NodeData) => boolean): NodeIndex[] =>
    data.flatMap((node, index) => (test(node) ? [index as NodeIndex] : []));
  return {
    nodeCount: nodeIds.length,
    nodeIds,
    nodeIndexOf: new Map(nodeIds.map((id, index) => [id as string, index as NodeIndex])),
    x: Float64Array.from(data, (node) => node.x),
    y: Float64Array.from(data, (node) => node.y),
    isStation: Uint8Array.from(data, (node) => (node.station ? 1 : 0)),
    isPickFace: Uint8Array.from(data, (node) => (node.pickFace ? 1 : 0)),
    handlingSeconds: Float64Array.from(data, (node) => node.handlingSeconds),
    stations: indexesWhere((node) => node.station),
    pickFaces: indexesWhere((node) => node.pickFace),
  };
}

/** NaN where the ends lie on one point: a lift leads nowhere. */
function headingOf(alongX: number, alongY: number): number {
  return alongX === 0 && alongY === 0 ? NaN : Math.atan2(alongY, alongX);
}

function compileLanes(
  model: WarehouseModel,
  nodeCount: number,
  links: readonly Link[],
  places: { readonly x: Float64Array; readonly y: Float64Array },
) {
  const { x, y } = places;
  const laneFrom = Int32Array.from(links, (link) => link.from);
  const laneTo = Int32Array.from(links, (link) => link.to);
  const heading = Float64Array.from(links, ({ from, to }) =>
    headingOf((x[to] as number) - (x[from] as number), (y[to] as number) - (y[from] as number)),
  );
  const laneStart = groupOffsets(laneFrom, nodeCount);
  const inStart = groupOffsets(laneTo, nodeCount);
  const typeBits = new Map(model.robotTypes.map((type, index) => [type.name, 1 << index]));
  return {
    laneCount: links.length,
    laneStart,
    laneFrom,
    laneTo,
    reverseLane: reverseLanes(laneStart, laneFrom, laneTo),
    straightLane: straightLanes(laneStart, laneTo, heading),
    inStart,
    inLanes: groupMembers(inStart, laneTo),
    lengthMetres: Float64Array.from(links, (link) => link.lengthMetres),
    speedLimit: Float64Array.from(links, (link) => link.speedLimit),
    heading,
    barredTypes: Uint32Array.from(links, (link) =>
      link.barred.reduce((bits, name) => bits | (typeBits.get(name) ?? 0), 0),
    ),
    open: Uint8Array.from(links, (link) => (link.open ? 1 : 0)),
  };
}
