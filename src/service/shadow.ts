import type { ShadowReport } from '../domain/serviceContract.js';
import type { RouteRequestContent } from '../domain/messages.js';
import { ROW_WAIT } from '../learning/row.js';
import type { ChosenOrders } from '../planning/planner.js';
import type { Plan, PriceView } from '../planning/tourTask.js';
import type { HeldOut } from '../policy/gates.js';
import { createForwardPass } from '../policy/network.js';
import { createPricing, type Pricing } from '../policy/pricing.js';
import { FEATURE_COUNT } from '../traffic/traffic.js';
import { pressureOf, type PolicyHost } from './policyHost.js';
import { taskOf } from './routePlans.js';
import type { OpenRoute, Site } from './site.js';

/** What the candidate would have planned, before anything was issued. */
export interface Imagined {
  readonly plan: Plan;
  /** [L] weighted seconds. */
  readonly prices: Float64Array;
}

/** Mode `shadow`: prices every plan with the candidate policy too, and keeps what it would have done. */
export interface Shadow {
  /** Forgets what was counted: the mode begins. */
  begin(): void;
  /** A second has passed: the candidate's prices are to be made anew. */
  tick(): void;
  /** The candidate's prices; null in other modes. */
  view(robotType: number): PriceView | null;
  /** Null in other modes, and where the candidate has no way either. */
  imagine(request: RouteRequestContent, chosen?: ChosenOrders): Imagined | null;
  compare(imagined: Imagined | null, served: OpenRoute): void;
  watch(rows: HeldOut): void;
  report(): ShadowReport;
}

const NOTHING = {
  plans: 0,
  different: 0,
  saving: 0,
  extraSeconds: 0,
  lanes: 0,
  squaredError: 0,
  squaredWait: 0,
};

export function createShadow(site: Site, host: PolicyHost): Shadow {
  const { graph } = site;
  let counts = { ...NOTHING };
  let pricing: Pricing | null = null;
  let stale = true;

  /** The site's own prices keep the features fresh; this only reads them, at most a second late. */
  const candidatePricing = (weights: Float32Array): Pricing => {
    site.pricing.refresh();
    pricing ??= createPricing(
      graph,
      { ...site.traffic, refresh: () => 0 },
      site.weights,
      site.pricing.recent,
    );
    if (!stale) return pricing;
    stale = false;
    pricing.setSource('network');
    pricing.setRewardWeights(site.weights);
    pricing.setPressure(pressureOf(site, host));
    pricing.setNetworkWeights(weights);
    pricing.refresh();
    return pricing;
  };

  const view: Shadow['view'] = (robotType) => {
    const candidate = host.candidate();
    if (site.mode !== 'shadow' || !candidate) return null;
    const priced = candidatePricing(candidate.weights);
    const { waitHat, blockingHat } = priced;
    return {
      prices: priced.pricesFor(robotType),
      latePrices: () => priced.latePricesFor(robotType),
      ...{ waitHat, blockingHat, weights: site.weights },
    };
  };

  return {
    begin: () => void (counts = { ...NOTHING }),
    tick: () => void (stale = true),
    view,
    imagine(request, chosen) {
      if (site.mode !== 'shadow') return null;
      const { task } = taskOf(site, request);
      const candidate = view(task.robotType);
      if (!candidate) return null;
      const plan = site.planner.plan(task, candidate, chosen);
      return plan.kind === 'plan' ? { plan, prices: candidate.prices } : null;
    },
    compare(imagined, served) {
      if (!imagined) return;
      const { lanes } = served.revisions[0]!;
      const { plan, prices } = imagined;
      const sum = (of: Int32Array, values: Float64Array | Float32Array): number =>
        of.reduce((total, lane) => total + values[lane]!, 0);
      counts.plans++;
      if (lanes.length !== plan.lanes.length || lanes.some((lane, i) => lane !== plan.lanes[i])) {
        counts.different++;
      }
      counts.saving += sum(lanes, prices) - sum(plan.lanes, prices);
      const free = graph.freeFlowSeconds[served.robotType]!;
      counts.extraSeconds += sum(plan.lanes, free) - sum(lanes, free);
    },
    watch({ rows, rowSize, count }) {
      const candidate = host.candidate();
      if (site.mode !== 'shadow' || !candidate) return;
      const forward = createForwardPass(candidate.weights);
      for (let at = 0; at < count * rowSize; at += rowSize) {
        forward.run(rows.slice(at, at + FEATURE_COUNT), 0);
        const wait = rows[at + ROW_WAIT]!;
        counts.squaredError += (forward.waitHat - wait) ** 2;
        counts.squaredWait += wait ** 2;
      }
      counts.lanes += count;
    },
    report() {
      const { plans, different, saving, extraSeconds, lanes, squaredError, squaredWait } = counts;
      return {
        warehouseId: site.warehouseId,
        mode: site.mode,
        candidate: host.candidate()?.version ?? host.version(),
        plans,
        different,
        expectedSaving: saving / Math.max(1, plans),
        extraFreeFlowSeconds: extraSeconds / Math.max(1, plans),
        lanes,
        waitError: Math.sqrt(squaredError / Math.max(1, lanes)),
        freeFlowError: Math.sqrt(squaredWait / Math.max(1, lanes)),
      };
    },
  };
}
