import { LIMITS } from '../domain/limits.js';
import type { MapFault, MapFaultCode } from './mapFault.js';
import { schemaFaults } from './schemaFaults.js';
import { strongComponents } from './strongComponents.js';
import type { WarehouseFile } from './warehouseFile.js';
import { lanesOf } from './warehouseModel.js';

interface CheckedLane {
  readonly from: number;
  readonly to: number;
  readonly open: boolean;
  readonly barred: readonly string[];
}

/** Every fault of a map file's content, in the order of the file; connections last. Empty: it is sound. */
export function validateWarehouse(content: unknown): MapFault[] {
  const { faults, shape } = schemaFaults(content);
  if (!shape) return faults;
  const report = (code: MapFaultCode, detail: string, where: string): void => {
    faults.push({ code, detail, where });
  };
  const nodeIndexOf = checkNodes(shape, report);
  checkMarks(shape, nodeIndexOf, report);
  const lanes = checkLanes(shape, nodeIndexOf, report);
  checkConnections(shape, { nodeIndexOf, lanes }, report);
  return faults;
}

type Report = (code: MapFaultCode, detail: string, where: string) => void;

function checkNodes(file: WarehouseFile, report: Report): Map<string, number> {
  const nodeIndexOf = new Map<string, number>();
  for (const [index, { id }] of file.nodes.entries()) {
    if (nodeIndexOf.has(id)) report('duplicate-node', `node ${id} is there twice`, `/nodes/${index}`);
    else nodeIndexOf.set(id, index);
  }
  const names = new Set<string>();
  for (const [index, { name }] of file.robotTypes.entries()) {
    if (names.has(name))
      report('duplicate-robot-type', `robot type ${name} is there twice`, `/robotTypes/${index}`);
    names.add(name);
  }
  if (names.size === 0) report('no-robot-types', 'no robot type is given', '/robotTypes');
  return nodeIndexOf;
}

function checkMarks(file: WarehouseFile, nodeIndexOf: ReadonlyMap<string, number>, report: Report): void {
  if (file.stations.length === 0)
    report('no-stations', 'there is no station to hand goods over', '/stations');
  if (file.pickFaces.length === 0) report('no-pick-faces', 'there is no pick face', '/pickFaces');
  for (const [key, label] of [
    ['stations', 'station'],
    ['pickFaces', 'pick face'],
  ] as const) {
    const seen = new Set<string>();
    for (const [index, id] of file[key].entries()) {
      const where = `/${key}/${index}`;
      if (!nodeIndexOf.has(id)) report('unknown-node', `${label} ${id} is not among the nodes`, where);
      if (seen.has(id)) report('duplicate-mark', `${label} ${id} is named twice`, where);
      seen.add(id);
    }
  }
}

function checkLanes(
  file: WarehouseFile,
  nodeIndexOf: ReadonlyMap<string, number>,
  report: Report,
): CheckedLane[] {
  const typeNames = new Set(file.robotTypes.map((type) => type.name));
  const seen = new Set<string>();
  const lanes: CheckedLane[] = [];
  let lastEntry = -1;
  let laneCount = 0;
  for (const { entry, from, to, lengthMetres, speedLimit, open, barred } of lanesOf(file)) {
    const where = `/lanes/${entry}`;
    const lane = `lane ${from} -> ${to}`;
    laneCount++;
    const key = `${from} ${to}`;
    if (seen.has(key)) report('duplicate-lane', `${lane} is there twice`, where);
    seen.add(key);
    const ends = [nodeIndexOf.get(from), nodeIndexOf.get(to)] as const;
    if (entry !== lastEntry) {
      lastEntry = entry;
      for (const id of new Set([from, to])) {
        if (!nodeIndexOf.has(id)) report('unknown-node', `${lane}: ${id} is not among the nodes`, where);
      }
      for (const name of barred) {
        if (!typeNames.has(name))
          report('unknown-robot-type', `${lane} bars ${name}, which is no robot type here`, where);
      }
      if (from === to) report('self-lane', `${lane} ends where it starts`, where);
      // What the file itself says is the schema's to check; here, what follows from what it leaves out.
      else if (file.lanes[entry]?.lengthMetres === undefined && !mayBeLength(lengthMetres)) {
        const { laneMetresLeast: least, laneMetresMost: most } = LIMITS;
        const detail = `${lane}: its ends lie ${lengthMetres} m apart; ${least} to ${most} m are needed`;
        report('length-invalid', detail, where);
      }
      if (Number.isNaN(speedLimit))
        report('speed-invalid', `${lane} has no speed limit, nor has laneDefaults`, where);
    }
    if (ends[0] !== undefined && ends[1] !== undefined)
      lanes.push({ from: ends[0], to: ends[1], open, barred });
  }
  if (laneCount > LIMITS.lanesPerWarehouse && file.lanes.length <= LIMITS.lanesPerWarehouse) {
    report('limit-exceeded', `${laneCount} lanes; at most ${LIMITS.lanesPerWarehouse} are allowed`, '/lanes');
  }
  return lanes;
}

/** NaN, of ends that are not there, is another fault. */
function mayBeLength(metres: number): boolean {
  return !(metres < LIMITS.laneMetresLeast || metres > LIMITS.laneMetresMost);
}

/**
 * A tour goes from a station to pick faces and back, so each type's marks must reach each other both ways
 * over open lanes. A mark with no lane at all for a type (a narrow aisle barred to it) is not that type's;
 * it must be another's.
 */
function checkConnections(
  file: WarehouseFile,
  { nodeIndexOf, lanes }: { nodeIndexOf: ReadonlyMap<string, number>; lanes: readonly CheckedLane[] },
  report: Report,
): void {
  const marks = [...new Set([...file.stations, ...file.pickFaces])].filter((id) => nodeIndexOf.has(id));
  const at = (id: string): number => nodeIndexOf.get(id) as number;
  const served = new Set<string>();
  const cutOff = new Map<string, string[]>();
  for (const { name } of file.robotTypes) {
    const usable = lanes.filter((lane) => lane.open && !lane.barred.includes(name));
    const component = strongComponents({
      nodeCount: file.nodes.length,
      from: usable.map((lane) => lane.from),
      to: usable.map((lane) => lane.to),
    });
    const main = mostFrequent(marks.map((id) => component[at(id)] as number));
    const touched = new Set(usable.flatMap((lane) => [lane.from, lane.to]));
    const inMain = (id: string): boolean => nodeIndexOf.has(id) && component[at(id)] === main;
    for (const id of marks) {
      if (inMain(id)) served.add(id);
      else if (touched.has(at(id))) cutOff.set(id, [...(cutOff.get(id) ?? []), name]);
    }
    if (marks.length > 0 && !(file.stations.some(inMain) && file.pickFaces.some(inMain))) {
      report(
        'type-useless',
        `robot type ${name} cannot drive between any station and pick face`,
        '/robotTypes',
      );
    }
  }
  for (const [key, label] of [
    ['stations', 'station'],
    ['pickFaces', 'pick face'],
  ] as const) {
    for (const [index, id] of file[key].entries()) {
      if (!nodeIndexOf.has(id)) continue;
      const types = cutOff.get(id) ?? (served.has(id) ? [] : ['any robot type']);
      if (types.length === 0) continue;
      const detail = `${label} ${id} is not strongly connected to the rest on open lanes for ${types.join(', ')}`;
      report('not-connected', detail, `/${key}/${index}`);
    }
  }
}

function mostFrequent(values: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  let best = -1;
  for (const [value, count] of counts) if (count > (counts.get(best) ?? 0)) best = value;
  return best;
}
