import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LearnerUpdate } from '../../src/learning/learner.js';
import type { LearnerPort } from '../../src/learning/learnerPort.js';
import { createRandom } from '../../src/platform/random.js';
import { POLICY_SHAPE, randomWeights } from '../../src/policy/network.js';
import { openPolicyRegistry } from '../../src/registry/policyRegistry.js';
import { compileFile } from '../../src/warehouse/loadWarehouse.js';
import { SITE, startService, type TestService, type TestServiceOptions } from './support/startService.js';

const sound = randomWeights(createRandom(2));
/** Expects every lane to cost 5 s of waiting. */
const gloomy = Float32Array.from(sound, (weight, i) => (i === sound.length - 2 ? 5 : weight));

/** From s to g: one lane of 9 s, or two of 4 s each by way of m. */
const shortWay = compileFile({
  ...{ id: SITE, mapVersion: '1', stations: ['s'], pickFaces: ['g'] },
  robotTypes: [{ name: 'unit', maximumSpeed: 1, lengthMetres: 1 }],
  nodes: ['s', 'm', 'g'].map((id, i) => ({ id, x: 4 * i, y: 0 })),
  lanes: [
    { from: 's', to: 'g', lengthMetres: 9, speedLimit: 1 },
    { from: 's', to: 'm', lengthMetres: 4, speedLimit: 1 },
    { from: 'm', to: 'g', lengthMetres: 4, speedLimit: 1 },
    { from: 'g', to: 's', lengthMetres: 9, speedLimit: 1 },
  ],
});

let directory: string;
let running: TestService;
let listener: (update: LearnerUpdate) => void;

const nothing = (): void => undefined;
const scripted: LearnerPort = {
  ...{ backend: 'scripted', offer: nothing, correct: nothing, tick: nothing, reset: nothing },
  ...{ onUpdate: (next) => (listener = next), onFailure: nothing, onRestart: nothing },
  close: () => Promise.resolve(),
};

async function start(areColdWeightsTrained: boolean, options: TestServiceOptions = {}) {
  running = await startService({
    ...{ mode: 'learn', areColdWeightsTrained, startLearner: () => Promise.resolve(scripted) },
    ...options,
    openRegistry: () => openPolicyRegistry({ directory, shippedDirectory: null, shape: POLICY_SHAPE }),
  });
  return {
    learn: async (updates: number): Promise<void> => {
      for (let i = 0; i < updates; i++)
        listener({ weights: gloomy, rejectedBy: null, completions: [], loss: 1, batches: 1 });
      await running.pass(1);
    },
    price: () => running.service.lanes(SITE)[0]!.price,
    pressure: () => running.service.warehouse(SITE).pressure,
  };
}

beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), 'aisleflow-maturity-'))));
afterEach(async () => {
  await running.service.close();
  rmSync(directory, { recursive: true });
});

describe('what a network predicts', () => {
  it('counts as far as it has learnt, where it began with nothing', async () => {
    const { learn, price, pressure } = await start(false);
    const free = price();
    expect(pressure()).toBe(0);
    await learn(1);
    expect(price()).toBeCloseTo(free, 6);
    await learn(199);
    const half = price() - free;
    expect(half).toBeGreaterThan(4);
    expect(pressure()).toBeCloseTo(1, 6);
    await learn(200);
    expect(price() - free).toBeCloseTo(2 * half, 5);
    await learn(200);
    expect(price() - free).toBeCloseTo(2 * half, 5);
  });

  it('counts in full from the first plan on, where it has learnt elsewhere', async () => {
    const { learn, pressure } = await start(true);
    expect(pressure()).toBeCloseTo(2, 6);
    await learn(1);
    expect(pressure()).toBeCloseTo(2, 6);
  });

  it('counts no more for being saved, whenever that comes, nor for a start or being activated', async () => {
    const { learn, pressure } = await start(false);
    await learn(100);
    await running.service.savePolicy(SITE);
    await learn(100);
    await running.service.savePolicy(SITE);
    expect(pressure()).toBeCloseTo(1, 6);
    await running.service.close();

    const again = await start(false);
    expect(again.pressure()).toBeCloseTo(1, 6);
    await again.learn(200);
    expect(again.pressure()).toBeCloseTo(2, 6);
    await running.service.activatePolicy(SITE, 'v1');
    expect(again.pressure()).toBeCloseTo(0.5, 6);
    await running.service.activatePolicy(SITE, 'v3');
    expect(again.pressure()).toBeCloseTo(2, 6);
  });

  it('counts in full where the versions that it stands on are not kept any more', async () => {
    const { learn, pressure } = await start(false);
    await learn(40);
    await running.service.savePolicy(SITE);
    await learn(40);
    await running.service.close();
    rmSync(join(directory, 'v1'), { recursive: true });
    expect(pressure()).toBeCloseTo(0.4, 6);
    expect((await start(false)).pressure()).toBeCloseTo(2, 6);
  });

  it('counts in a shadow’s plans as far as in plans that are served', async () => {
    const { learn } = await start(false, { mode: 'shadow', graphs: [shortWay] });
    let requests = 0;
    const plansElsewhere = async (): Promise<number> => {
      const { different } = running.service.shadow(SITE);
      const { routeId } = await running.service.requestRoute(SITE, {
        ...{ requestId: String(++requests), robotId: 'a', from: 's', stops: ['s', 'g'] },
      });
      await running.service.cancelRoute(SITE, { type: 'route.cancelled', routeId, reason: 'measured' });
      return running.service.shadow(SITE).different - different;
    };
    await learn(1);
    expect(await plansElsewhere()).toBe(0);
    await learn(399);
    expect(await plansElsewhere()).toBe(1);
  });
});
