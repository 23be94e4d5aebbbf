import type { RouteAssignedContent } from '../../src/domain/messages.js';
import { drivenOf, madeAlong, type Plan } from './drivenPlan.js';
import type { StopWord } from './stopChecks.js';

/** What a robot knows of the route that it drives. */
export interface Tour {
  readonly routeId: string;
  revision: number;
  nodes: readonly string[];
  position: number;
  /** Where along `nodes` the plan begins that it was told of: it may have joined it from a place before. */
  begins: number;
  /** Stops of the whole tour, which are made in order; how many the plan leaves out; how many are made. */
  readonly stops: readonly string[];
  leftOut: number;
  made: number;
  /** For each node of the plan, how many are made once it is reached. */
  madeAt: readonly number[];
  readonly trace: [string, number, number | null][];
  held: boolean;
  beside: boolean;
}

/** A route at its beginning, without a plan yet. */
export function beginTour(answer: RouteAssignedContent, node: string, at: number): Tour {
  return {
    ...{ routeId: answer.routeId, revision: -1, nodes: [node], position: 0, begins: 0 },
    ...{ stops: answer.stopIndexes.map((index) => answer.nodes[index]!), leftOut: 0, made: 0, madeAt: [0] },
    ...{ trace: [[node, at, null]], held: false, beside: false },
  };
}

export function isAtEnd(tour: Tour): boolean {
  return !tour.beside && !tour.held && tour.position === tour.nodes.length - 1;
}

export function makeStops(tour: Tour): void {
  tour.made = Math.max(tour.made, tour.madeAt[tour.position] as number);
}

/** Takes a plan over: from here, from a place further on along the plan before where it may, or by asking anew. */
export function takeOver(
  tour: Tour,
  plan: Plan,
  { node, mayJoin }: { readonly node: string; readonly mayJoin: boolean },
): void {
  const { nodes, position, made } = tour;
  const madeAt = made < tour.leftOut ? nodes.map(() => made) : tour.madeAt;
  const ahead = mayJoin && nodes[position] === node ? nodes.indexOf(plan.nodes[0] as string, position) : -1;
  tour.revision = plan.revision;
  tour.held = false;
  tour.leftOut = tour.stops.length - plan.stopIndexes.length;
  // What a plan leaves out must be made before it begins, or is asked for.
  // A way may come by that place again after stops that the new plan has too: it begins at an earlier pass.
  const madeThere = madeAt[ahead] ?? Infinity;
  const joins = madeThere <= tour.leftOut && Math.max(made, madeThere) >= tour.leftOut;
  tour.beside = !joins && (plan.nodes[0] !== node || made < tour.leftOut);
  const planned = madeAlong(plan, tour.leftOut);
  tour.nodes = joins ? [...nodes.slice(position, ahead), ...plan.nodes] : plan.nodes;
  tour.begins = joins ? ahead - position : 0;
  tour.madeAt = joins ? [...madeAt.slice(position, ahead), ...planned] : planned;
  tour.position = tour.beside ? drivenOf(plan.nodes, tour.trace) : 0;
  if (!tour.beside) makeStops(tour);
}

/** Position along a plan of its route, at most. */
export function placeOn(
  tour: Tour,
  node: string,
  { revision, nodes }: Pick<Plan, 'revision' | 'nodes'>,
): number {
  // Under an older plan it may be anywhere on the newer one.
  if (tour.revision !== revision) return Math.max(0, nodes.lastIndexOf(node));
  // What it follows may begin before or after that plan; they end alike.
  return Math.max(0, nodes.length - tour.nodes.length + tour.position);
}

/** What it reports on reaching the next node of its plan. */
export function wordOnArrival(tour: Tour, node: string): Omit<StopWord, 'at'> {
  const { routeId, revision, leftOut, madeAt, nodes, begins } = tour;
  const position = tour.position - begins;
  // Where a plan begins nobody is seen to drive it: all that it said in between may be lost.
  const follows = position > 0 && node !== nodes[begins];
  return {
    ...{ routeId, revision, position },
    leftOut: follows ? leftOut : 0,
    before: madeAt[tour.position - 1]!,
    made: madeAt[tour.position]!,
  };
}

/** What it answers a gateway that asks where it is, by the plan that it has. */
export function wordWhenPolled(tour: Tour): Omit<StopWord, 'at'> {
  const { routeId, revision, beside, held, begins, madeAt } = tour;
  // Where a plan begins, or beside it, or without one, that tells of no stop.
  const position = beside || held ? 0 : tour.position - begins;
  const counted = position > 0 ? madeAt[tour.position]! : 0;
  return { routeId, revision, position, leftOut: 0, before: counted, made: counted };
}
