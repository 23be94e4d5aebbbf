import type {
  HoldCause,
  LaneName,
  LaneView,
  OpenRouteList,
  OpenRouteView,
} from '../domain/serviceContract.js';
import { tableText } from './tables.js';

const HELD: Readonly<Record<HoldCause, string>> = {
  noOpenWay: 'no open way',
  wayTooLong: 'way round is too long',
  planDue: 'next plan is due',
  otherMap: 'its map has changed: cancel it',
};

export function openRouteTable({ total, routes }: OpenRouteList): string {
  const head = ['Robot', 'Route', 'At', 'For', 'Late by', 'Held'];
  const rows = routes.map((route) => [
    ...[route.robotId, route.routeId, placeText(route), durationText(route.waitingSeconds)],
    ...[latenessText(route), route.heldBecause === null ? '' : HELD[route.heldBecause]],
  ]);
  const table = tableText(head, rows);
  if (routes.length === total) return table;
  return `${table}\n${routes.length} of ${total}: those that wait longest.`;
}

function placeText({ node, assumed }: OpenRouteView): string {
  if (node === null) return '-';
  return assumed ? `${node} by its ETAs` : node;
}

function latenessText({ lateSeconds }: OpenRouteView): string {
  return lateSeconds === null || lateSeconds <= 0 ? '-' : durationText(lateSeconds);
}

/** To the second below two minutes, to the minute below two hours. */
function durationText(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

/** A lane and the one back stand in one row where both are closed alike, as `lanes open` takes them. */
export function closedLaneTable(lanes: readonly LaneView[]): string {
  const rows: string[][] = [];
  const left = new Map(lanes.map((lane) => [textOf(lane), lane]));
  for (const lane of lanes) {
    const name = textOf(lane);
    if (!left.delete(name)) continue;
    const back = textOf({ from: lane.to, to: lane.from });
    const reverse = left.get(back);
    const isPair = reverse !== undefined && closingOf(reverse) === closingOf(lane);
    if (isPair) left.delete(back);
    rows.push([isPair ? `${name} ${back}` : name, lane.closedBy ?? '', (lane.barredTo ?? []).join(', ')]);
  }
  return tableText(['Lanes', 'Closed by', 'Barred to'], rows);
}

function textOf({ from, to }: LaneName): string {
  return `${from}/${to}`;
}

function closingOf({ closedBy, barredTo }: LaneView): string {
  return JSON.stringify([closedBy, barredTo]);
}
