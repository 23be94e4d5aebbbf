import type { RouteRequestContent } from '../domain/messages.js';
import type { ChosenOrders } from '../planning/planner.js';
import { nodesPerSearch } from '../planning/tourLimit.js';
import type { Steps } from '../planning/tourLegs.js';
import { taskOf } from './routePlans.js';
import { assertServing, type ServiceCore, type SiteEntry } from './serviceCore.js';
import type { Imagined } from './shadow.js';
import { priceView, type Site } from './site.js';

/** What was made ready for the plan of a large tour. */
export interface PreparedPlan {
  readonly orders: ChosenOrders;
  /** Of the candidate, in mode `shadow`. */
  readonly imagined: Imagined | null;
}

/** Whether planning a tour at once would hold everything else for long. */
export function isLargeTour(
  { stopNodesAtOnce }: ServiceCore,
  { robots, graph, weights }: Site,
  { robotId, stops }: RouteRequestContent,
): boolean {
  const robot = robots.get(robotId);
  if (!robot || stops.length < 2) return false;
  return stops.length * nodesPerSearch(graph, robot.robotType, weights.turns) > stopNodesAtOnce;
}

/**
 * Plans at once, or a large tour in turns. Its order of visit is chosen with one search in each, and whatever happens in
 * between happens as if nothing were being planned. Then `plan` finds the way in one turn, as for any other tour: on the
 * lanes, at the prices and for the robot of that moment.
 * @throws what `taskOf` and `plan` throw; E_SHUTTING_DOWN
 */
export function planInItsTurns<T>(
  core: ServiceCore,
  entry: SiteEntry,
  request: RouteRequestContent,
  plan: (prepared?: PreparedPlan) => T,
): T | Promise<T> {
  return isLargeTour(core, entry.site, request) ? prepareAndPlan(core, entry, request, plan) : plan();
}

async function prepareAndPlan<T>(
  core: ServiceCore,
  { site, shadow }: SiteEntry,
  request: RouteRequestContent,
  plan: (prepared: PreparedPlan) => T,
): Promise<T> {
  const { task } = taskOf(site, request);
  const orders = await inTurns(core, site.planner.chooseOrders(task, priceView(site, task.robotType)));
  const candidate = shadow.view(task.robotType);
  const imagined =
    candidate && shadow.imagine(request, await inTurns(core, site.planner.chooseOrders(task, candidate)));
  return oneTurn(core, () => plan({ orders, imagined }));
}

async function inTurns<T>(core: ServiceCore, steps: Steps<T>): Promise<T> {
  for (;;) {
    const { done, value } = await oneTurn(core, () => steps.next());
    if (done) return value;
  }
}

function oneTurn<T>(core: ServiceCore, work: () => T): Promise<T> {
  // An async function, so that what it throws rejects.
  const begin = async (): Promise<T> => {
    assertServing(core);
    return work();
  };
  return core.slices.run(begin);
}
