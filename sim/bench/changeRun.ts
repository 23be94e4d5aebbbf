import { zeroComponents } from '../../src/domain/components.js';
import { AppError } from '../../src/domain/errors.js';
import type { NodeIndex } from '../../src/domain/ids.js';
import type { FleetLink } from '../fleetLink.js';
import type { BenchOptions, BenchResult } from './benchResult.js';
import type { RegretSums, ScoredSums } from './benchService.js';
import { createChange, type Change, type ChangeControl, type ChangeFleet } from './changes.js';
import { specOf } from './methods.js';

/** Steps of one entry of a series. */
export const SERIES_STEPS = 10;

/** What a run with a change did, in entries of ten steps from the run's first step on. */
export interface ChangeSeries {
  /** Goals reached. */
  readonly goals: readonly number[];
  /** Routes handed out, re-plans and those of a shuttling robot not counted; and of these over the place that matters, where there is one. */
  readonly routes: readonly number[];
  readonly crossings: readonly number[];
  /** Seconds beyond free flow that a lane of that place is priced at then, on average. */
  readonly extraSeconds: readonly number[];
  /** Routes scored and the sum of their score ratios; regrets measured and their sum. Raw results of before have none. */
  readonly scored?: readonly number[];
  readonly ratios?: readonly number[];
  readonly regrets?: readonly number[];
  readonly regretSeconds?: readonly number[];
}

/** Sums since the run began. */
export interface SumsSoFar {
  readonly goals: number;
  readonly scored: ScoredSums;
  readonly regrets: RegretSums;
}

/** A run in which something changes when its warm-up ends; without a change's name, one in which nothing does. */
export interface ChangeRun extends Pick<Change, 'serviceGraph' | 'jobs' | 'onFloor'> {
  /** A link that counts the routes handed out. */
  listen(link: FleetLink): FleetLink;
  /** Lets happen what is due before this step; steps count from 1. */
  before(step: number, control: ChangeControl): Promise<void>;
  /** Notes what the step brought. */
  after(step: number, sums: SumsSoFar): void;
  result(): Pick<BenchResult, 'change' | 'series' | 'improvement'>;
}

/** @throws E_USAGE for a method that only another change gives a meaning; `learning-starts` takes none in mode `off` */
export function createChangeRun(
  options: BenchOptions,
  { starts, ...fleet }: ChangeFleet & { readonly starts: readonly NodeIndex[] },
): ChangeRun {
  const { change: name, method, warmUpSteps, steps, seed, picks } = options;
  const { needsChange, mode } = specOf(method);
  const known = method === 'oracle' ? name === 'slow-cell' : name !== undefined || !needsChange;
  const startsNothing = name === 'learning-starts' && mode === 'off';
  if (!known || startsNothing)
    throw new AppError('E_USAGE', { detail: `${method} does not fit the change ${name ?? 'none'}` });
  const change = createChange({ ...fleet, name, method, starts, seed, picks });
  const series = {
    goals: [] as number[],
    routes: [] as number[],
    crossings: [] as number[],
    extraSeconds: [] as number[],
    scored: [] as number[],
    ratios: [] as number[],
    regrets: [] as number[],
    regretSeconds: [] as number[],
  };
  let service: ChangeControl['service'] | null = null;
  let before: SumsSoFar = {
    goals: 0,
    scored: { components: zeroComponents(), ratios: 0, count: 0 },
    regrets: { seconds: 0, count: 0 },
  };
  let routes = 0;
  let crossings = 0;

  const extraSeconds = (): number => {
    if (!service || change.watchedLanes.length === 0) return 0;
    const lanes = service.lanes(fleet.graph.warehouseId);
    const sum = change.watchedLanes.reduce(
      (total, lane) => total + lanes[lane]!.price - fleet.graph.freeFlowSeconds[0]![lane]!,
      0,
    );
    return rounded(sum / change.watchedLanes.length);
  };

  return {
    ...change,
    listen: (link) => ({
      ...link,
      async requestRoute(request) {
        const answer = await link.requestRoute(request);
        const crosses = change.crosses(Number(request.robotId.split('-').at(-1)), answer.nodes);
        if (crosses !== null) routes++;
        if (crosses === true) crossings++;
        return answer;
      },
    }),
    async before(step, control) {
      service = control.service;
      if (step === warmUpSteps + 1) {
        await change.happen(control);
        if (method === 'frozen-at-change') await service.setMode(fleet.graph.warehouseId, 'frozen');
      }
      if (step === warmUpSteps + 1 + Math.floor(steps / 2)) await change.clear(control);
    },
    after(step, sums) {
      if (name === undefined || step % SERIES_STEPS !== 0) return;
      series.goals.push(sums.goals - before.goals);
      series.routes.push(routes);
      series.crossings.push(crossings);
      series.extraSeconds.push(extraSeconds());
      series.scored.push(sums.scored.count - before.scored.count);
      series.ratios.push(rounded(sums.scored.ratios - before.scored.ratios));
      series.regrets.push(sums.regrets.count - before.regrets.count);
      series.regretSeconds.push(rounded(sums.regrets.seconds - before.regrets.seconds));
      before = sums;
      routes = crossings = 0;
    },
    result() {
      if (name === undefined) return {};
      const improvement = service?.warehouse(fleet.graph.warehouseId).improvement;
      return { change: name, series, ...(improvement && name === 'learning-starts' ? { improvement } : {}) };
    },
  };
}

const rounded = (value: number): number => Math.round(1000 * value) / 1000;
