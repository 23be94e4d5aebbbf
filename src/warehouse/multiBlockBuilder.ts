import type { MultiBlockLayout } from './multiBlockLayout.js';
import type { RobotTypeEntryContent, WarehouseFile } from './warehouseFile.js';

const SHUTTLE: RobotTypeEntryContent = {
  name: 'shuttle',
  maximumSpeed: 2,
  quarterTurnSeconds: 1,
  startSeconds: 0.5,
  lengthMetres: 1,
};
const HAULER: RobotTypeEntryContent = {
  name: 'hauler',
  maximumSpeed: 1.2,
  quarterTurnSeconds: 2,
  startSeconds: 1,
  lengthMetres: 1.2,
};

/** Metres between waypoints of an aisle: bays of racking differ. Each aisle starts elsewhere in the cycle. */
const WAYPOINT_GAPS = [1.8, 1.2, 1.2, 2.4, 1.2, 1.5, 3, 1.2, 1.8, 1.2, 2.4];
/** Seconds more than the least that some faces take: high or heavy bins. */
const EXTRA_HANDLING = [0, 0, 2, 0, 1, 4];
/** Metres between the tracks of a road, from a road to the nearest aisle, and from the last cross-aisle to the main road. */
const TRACK_GAP = 1.8;
const ROAD_SHOULDER = 1.8;
const FORECOURT = 3;
/** Metres from a station to where its bay leaves the road and joins it again. */
const BAY_REACH = 1.6;

interface Place {
  readonly id: string;
  readonly x: number;
}

interface Drawing {
  readonly layout: MultiBlockLayout;
  readonly file: WarehouseFile;
  readonly node: (id: string, x: number, y: number, handlingSeconds?: number) => string;
  /** Lanes through the nodes in turn, that way only; or both ways. */
  readonly oneWay: (ids: readonly string[], speedLimit: number, barred?: string[]) => void;
  readonly twoWay: (ids: readonly string[], speedLimit: number) => void;
}

/** How many nodes it will have: crossings and aisle mouths, pick faces, the main road's crossings, stations with their bays. */
export function countNodes(layout: MultiBlockLayout): number {
  const { blockRows, blockColumns, aislesPerBlock, facesPerAisle, stationsPerBlockColumn } = layout;
  const aisles = blockColumns * aislesPerBlock;
  const roads = blockColumns + 1;
  const crossAisles = (blockRows + 1) * (2 * roads + aisles);
  return (
    crossAisles + blockRows * aisles * facesPerAisle + 4 * roads + 5 * blockColumns * stationsPerBlockColumn
  );
}

export function buildMultiBlock(layout: MultiBlockLayout, id: string, name?: string): WarehouseFile {
  const drawing = startDrawing(layout, id, name);
  const gaps = gapCycle(layout.facesPerAisle + 1);
  const blockHeight = gaps.reduce((sum, gap) => sum + gap, 0);
  const blockWidth = layout.aislesPerBlock * layout.aislePitchMetres;
  const columnPitch = TRACK_GAP + 2 * ROAD_SHOULDER + blockWidth;
  const columnLeft = (column: number): number => column * columnPitch + TRACK_GAP + ROAD_SHOULDER;
  const roads = Array.from({ length: layout.blockColumns + 1 }, (_, road) => road * columnPitch);

  const crossAisles: Place[][] = [];
  for (let cross = 0; cross <= layout.blockRows; cross++) {
    crossAisles.push(drawCrossAisle(drawing, { cross, y: cross * blockHeight, roads, columnLeft }));
  }
  drawAisles(drawing, { gaps, blockHeight, columnLeft });
  const mainY = layout.blockRows * blockHeight + FORECOURT;
  drawMainRoad(drawing, { y: mainY, roads, columnLeft, blockWidth, forecourt: crossAisles.at(-1) ?? [] });
  drawRoads(drawing, roads.length);
  return drawing.file;
}

function startDrawing(layout: MultiBlockLayout, id: string, name?: string): Drawing {
  const file: WarehouseFile = {
    id,
    mapVersion: '1',
    ...(name === undefined ? {} : { name }),
    robotTypes: [{ ...SHUTTLE }, { ...HAULER }],
    nodes: [],
    stations: [],
    pickFaces: [],
    lanes: [],
  };
  const pairs = (ids: readonly string[]) => ids.slice(1).map((to, i) => ({ from: ids[i] as string, to }));
  return {
    layout,
    file,
    node(nodeId, x, y, handlingSeconds) {
      file.nodes.push({
        id: nodeId,
        x: round(x),
        y: round(y),
        ...(handlingSeconds === undefined ? {} : { handlingSeconds }),
      });
      return nodeId;
    },
    oneWay(ids, speedLimit, barred) {
      for (const ends of pairs(ids)) file.lanes.push({ ...ends, speedLimit, ...(barred ? { barred } : {}) });
    },
    twoWay(ids, speedLimit) {
      for (const ends of pairs(ids)) file.lanes.push({ ...ends, speedLimit, twoWay: true });
    },
  };
}

/** Whole centimetres, so that files read well. */
function round(metres: number): number {
  return Math.round(metres * 100) / 100;
}

function gapCycle(count: number): number[] {
  return Array.from({ length: count }, (_, i) => WAYPOINT_GAPS[i % WAYPOINT_GAPS.length] as number);
}

const twoDigits = (value: number): string => String(value).padStart(2, '0');
const junctionId = (cross: number, aisle: number): string => `X${cross}.A${twoDigits(aisle)}`;
const crossingId = (cross: number, road: number, track: 's' | 'n'): string => `X${cross}.R${road}${track}`;
const mainCrossingId = (road: number, track: 's' | 'n', main: 'w' | 'e'): string =>
  `M${main}.R${road}${track}`;

/** West to east through every road and aisle mouth; two-way on one track. */
function drawCrossAisle(
  { layout, node, twoWay }: Drawing,
  site: { cross: number; y: number; roads: readonly number[]; columnLeft: (column: number) => number },
): Place[] {
  const { cross, y, roads, columnLeft } = site;
  const places: Place[] = [];
  const add = (id: string, x: number): void => void places.push({ id: node(id, x, y), x });
  for (const [road, x] of roads.entries()) {
    add(crossingId(cross, road, 's'), x);
    add(crossingId(cross, road, 'n'), x + TRACK_GAP);
    if (road === layout.blockColumns) break;
    for (let i = 0; i < layout.aislesPerBlock; i++) {
      add(
        junctionId(cross, road * layout.aislesPerBlock + i),
        columnLeft(road) + (i + 0.5) * layout.aislePitchMetres,
      );
    }
  }
  twoWay(
    places.map((place) => place.id),
    layout.crossAisleSpeed,
  );
  return places;
}

/** Aisles of one column run the same way through all blocks, neighbours the other way. */
function drawAisles(
  { layout, file, node, oneWay }: Drawing,
  site: { gaps: readonly number[]; blockHeight: number; columnLeft: (column: number) => number },
): void {
  const { aislesPerBlock, narrowAislesPerBlock } = layout;
  for (let block = 0; block < layout.blockRows; block++) {
    for (let aisle = 0; aisle < layout.blockColumns * aislesPerBlock; aisle++) {
      const inBlock = aisle % aislesPerBlock;
      const x =
        site.columnLeft(Math.floor(aisle / aislesPerBlock)) + (inBlock + 0.5) * layout.aislePitchMetres;
      const ids = [junctionId(block, aisle)];
      let y = block * site.blockHeight;
      for (let face = 0; face < layout.facesPerAisle; face++) {
        y += site.gaps[(face + aisle) % site.gaps.length] as number;
        const extra = EXTRA_HANDLING[(face * 5 + aisle + block) % EXTRA_HANDLING.length] as number;
        const id = `B${block}.A${twoDigits(aisle)}.P${twoDigits(face)}`;
        ids.push(node(id, x, y, layout.pickHandlingSeconds + extra));
        file.pickFaces.push(id);
      }
      ids.push(junctionId(block + 1, aisle));
      if (aisle % 2 === 1) ids.reverse();
      if (inBlock >= aislesPerBlock - narrowAislesPerBlock)
        oneWay(ids, layout.narrowAisleSpeed, [HAULER.name]);
      else oneWay(ids, layout.aisleSpeed);
    }
  }
}

/** Westbound track in the north, eastbound in the south (right-hand traffic), bays south of it. */
function drawMainRoad(
  drawing: Drawing,
  site: {
    y: number;
    roads: readonly number[];
    columnLeft: (column: number) => number;
    blockWidth: number;
    forecourt: readonly Place[];
  },
): void {
  const { layout, node, twoWay, oneWay } = drawing;
  const eastY = site.y + TRACK_GAP;
  const westbound: Place[] = [];
  const eastbound: Place[] = [];
  const add = (track: Place[], id: string, x: number, y: number): string => {
    track.push({ id: node(id, x, y), x });
    return id;
  };
  for (const [road, left] of site.roads.entries()) {
    for (const track of ['s', 'n'] as const) {
      const x = track === 's' ? left : left + TRACK_GAP;
      add(westbound, mainCrossingId(road, track, 'w'), x, site.y);
      add(eastbound, mainCrossingId(road, track, 'e'), x, eastY);
    }
  }
  const bayPitch = site.blockWidth / layout.stationsPerBlockColumn;
  for (let station = 0; station < layout.blockColumns * layout.stationsPerBlockColumn; station++) {
    const column = Math.floor(station / layout.stationsPerBlockColumn);
    const x = site.columnLeft(column) + ((station % layout.stationsPerBlockColumn) + 0.5) * bayPitch;
    const name = twoDigits(station);
    const across = add(westbound, `W${name}`, x - BAY_REACH, site.y);
    const entry = add(eastbound, `E${name}`, x - BAY_REACH, eastY);
    const exit = add(eastbound, `L${name}`, x + BAY_REACH, eastY);
    drawBay(drawing, { name, entry, exit, x, y: eastY });
    twoWay([nearest(site.forecourt, x - BAY_REACH), across, entry], layout.crossAisleSpeed);
  }
  const eastwards = (a: Place, b: Place): number => a.x - b.x;
  oneWay(
    eastbound.sort(eastwards).map((place) => place.id),
    layout.roadSpeed,
  );
  oneWay(
    westbound
      .sort(eastwards)
      .reverse()
      .map((place) => place.id),
    layout.roadSpeed,
  );
}

/** Off the road, wait at Q, hand over at S, back to the road further on. */
function drawBay(
  { layout, file, node, oneWay }: Drawing,
  bay: { name: string; entry: string; exit: string; x: number; y: number },
): void {
  const queue = node(`Q${bay.name}`, bay.x - BAY_REACH, bay.y + TRACK_GAP);
  const station = node(`S${bay.name}`, bay.x, bay.y + TRACK_GAP, layout.stationHandlingSeconds);
  file.stations.push(station);
  oneWay([bay.entry, queue, station, bay.exit], layout.baySpeed);
}

/** From the northernmost cross-aisle to the main road and back, a track each way. */
function drawRoads({ layout, oneWay }: Drawing, roadCount: number): void {
  for (let road = 0; road < roadCount; road++) {
    for (const track of ['s', 'n'] as const) {
      const ids = Array.from({ length: layout.blockRows + 1 }, (_, cross) => crossingId(cross, road, track));
      ids.push(mainCrossingId(road, track, 'w'), mainCrossingId(road, track, 'e'));
      oneWay(track === 's' ? ids : ids.reverse(), layout.roadSpeed);
    }
  }
}

function nearest(places: readonly Place[], x: number): string {
  let best = places[0] as Place;
  for (const place of places) if (Math.abs(place.x - x) < Math.abs(best.x - x)) best = place;
  return best.id;
}
