import { describe, expect, it } from 'vitest';
import { ROW_BLOCKING_KNOWN, ROW_SIZE, ROW_WAIT } from '../../src/learning/row.js';
import { createRandom } from '../../src/platform/random.js';
import { gateHeldOut, gatePublication, squaredErrors, type HeldOut } from '../../src/policy/gates.js';
import { createErrorGuard, createScoreGuard } from '../../src/policy/guards.js';
import { createForwardPass, randomWeights } from '../../src/policy/network.js';
import { sabotage } from '../../src/policy/sabotage.js';
import { SABOTAGES } from '../../src/domain/serviceContract.js';
import { FEATURE_COUNT } from '../../src/traffic/traffic.js';

/** Waits of 0.5 to 2 s: heads that only add. */
const good = randomWeights(createRandom(3)).map((weight, i, { length }) =>
  i >= length - 34 && i < length - 2 ? Math.abs(weight) : weight,
);

/** Rows of a floor so busy: what the good weights expect, and noise that grows with it. */
function rowsOf(seed: number, count: number, busy = 1): HeldOut {
  const random = createRandom(seed);
  const rows = new Float32Array(count * ROW_SIZE);
  const forward = createForwardPass(good);
  for (let row = 0; row < rows.length; row += ROW_SIZE) {
    const features = Float32Array.from({ length: FEATURE_COUNT }, () => 3 * busy * random.next());
    forward.run(features, 0);
    rows.set(features, row);
    rows[row + ROW_WAIT] = Math.max(0, forward.waitHat + busy * random.normal());
    rows[row + ROW_BLOCKING_KNOWN] = 0;
  }
  return { rows, rowSize: ROW_SIZE, count };
}

/** As many rows, all like the first. */
function alike({ rows, ...rest }: HeldOut): HeldOut {
  return { ...rest, rows: rows.map((_value, i) => rows[i % ROW_SIZE]!) };
}

/** Rows until a breach, in routes of twenty. */
function rowsToBreach(served: Float32Array, limit: number): number {
  const guard = createErrorGuard();
  for (let rows = 20; rows <= limit; rows += 20) {
    guard.watch(rowsOf(rows, 20), served, good, true);
    if (guard.evidence() >= 1) return rows;
  }
  return Infinity;
}

describe('the guard on the error of arriving rows', () => {
  it.each(SABOTAGES)('finds a version that was sabotaged: %s', (kind) => {
    const served = sabotage(good, kind, createRandom(1), rowsOf(3, 1_000))!;
    expect(rowsToBreach(served, 2_000)).toBeLessThan(2_000);
  });

  it('is up against a version that passes the gates on the newest rows, and is far worse on all of them', () => {
    const recent = rowsOf(3, 1_000);
    const served = sabotage(good, 'passing', createRandom(1), recent)!;
    const newest = { ...recent, rows: recent.rows.subarray(-64 * ROW_SIZE), count: 64 };
    expect([gatePublication(served), gateHeldOut(served, good, newest)]).toEqual([null, null]);
    const errorOf = (weights: Float32Array): number =>
      squaredErrors(weights, recent).reduce((sum, error) => sum + error) / recent.count;
    expect(errorOf(served)).toBeGreaterThan(1.5 * errorOf(good));
  });

  it.each([
    ['with too few rows for the gates', rowsOf(3, 63)],
    ['where all rows are alike', alike(rowsOf(3, 64))],
  ])('has nothing to find %s', (_where, recent) => {
    expect(sabotage(good, 'passing', createRandom(1), recent)).toBeNull();
  });

  it('finds soon what is wrong with few rows only', () => {
    const rare = rowsOf(9, 400);
    const guard = createErrorGuard();
    // One row in a hundred: the new version expects half a minute there, and nobody waits.
    const odd = good.map((weight, i) => (i === good.length - 2 ? 12 : weight));
    let found = 0;
    for (let row = 0; guard.evidence() < 1; row++) {
      const one = { ...rare, rows: rare.rows.subarray(row * ROW_SIZE, (row + 1) * ROW_SIZE), count: 1 };
      guard.watch(one, row % 100 === 99 ? odd : good, good, true);
      found = row;
    }
    expect(found).toBe(399);
  });

  it('says nothing against the reference itself, or against a better one', () => {
    const guard = createErrorGuard();
    const worse = good.map((weight) => 0.9 * weight);
    for (let route = 0; route < 150; route++) {
      guard.watch(rowsOf(route, 20), good, worse, true);
      expect(guard.evidence()).toBeLessThan(1);
    }
  });

  it('finds what is wrong soon after a jam, which makes all err more', () => {
    const served = sabotage(good, 'passing', createRandom(1), rowsOf(3, 1_000))!;
    const guard = createErrorGuard();
    for (let route = 0; route < 50; route++) guard.watch(rowsOf(route, 20, 20), good, good, false);
    let rows = 0;
    for (; guard.evidence() < 1 && rows < 2_000; rows += 20)
      guard.watch(rowsOf(1_000 + rows, 20), served, good, true);
    expect(rows).toBeLessThan(rowsToBreach(served, 2_000) + 600);
  });

  it('stays quiet where a surge makes both err more', () => {
    const guard = createErrorGuard();
    const near = good.map((weight, i) => weight + (i % 2 === 0 ? 0.002 : -0.002));
    for (let route = 0; route < 150; route++) {
      guard.watch(rowsOf(route, 20, route > 50 && route < 100 ? 4 : 1), near, good, false);
      expect(guard.evidence()).toBeLessThan(1);
    }
  });
});

describe('the guard on the score ratio', () => {
  const drive = (ratioOf: (route: number) => number, loadOf: (route: number) => number): number => {
    const guard = createScoreGuard();
    const random = createRandom(5);
    for (let route = 0; route < 6_000; route++) {
      const ratio = ratioOf(route) + 0.3 * random.normal();
      guard.watch({ ratio, shortestSeconds: 30 }, loadOf(route), route / 4);
      if (guard.evidence() >= 1) return route;
    }
    return Infinity;
  };

  it('finds routes that cost half as much again under the same load', () => {
    const found = drive(
      (route) => (route < 3_000 ? 1.6 : 2.4),
      () => 100,
    );
    expect(found).toBeGreaterThan(3_000);
    expect(found).toBeLessThan(3_400);
  });

  it.each([0, 5, 400, 2_990])('finds them though route %i had stood for an hour', (outlier) => {
    const found = drive(
      (route) => (route === outlier ? 240 : route < 3_000 ? 1.6 : 2.4),
      () => 100,
    );
    expect(found).toBeGreaterThan(3_000);
    expect(found).toBeLessThan(3_400);
  });

  it('stays quiet where the load explains it', () => {
    const load = (route: number): number => (route % 2_000 < 1_000 ? 50 : 200);
    expect(drive((route) => (load(route) === 50 ? 1.2 : 2.4), load)).toBe(Infinity);
  });

  /** Tours of so many seconds, with waits of 0 to 10 s on each and 0 to 0.4 s on each second: what speaks most against it. */
  const driveTours = (secondsOf: (route: number) => number, waitsOf = (_route: number) => 1): number => {
    const guard = createScoreGuard();
    const random = createRandom(3);
    let most = 0;
    for (let route = 0; route < 4_000; route++) {
      const shortestSeconds = secondsOf(route);
      const waitSeconds = waitsOf(route) * (10 * random.next() + 0.4 * random.next() * shortestSeconds);
      guard.watch({ ratio: 1 + waitSeconds / shortestSeconds, shortestSeconds }, 50, route / 4);
      most = Math.max(most, guard.evidence());
    }
    return most;
  };
  const mixed = (route: number): number => [6, 15, 40, 90][route % 4]!;

  it.each([
    [60, 12],
    [12, 60],
    [60, 3],
  ])('stays quiet where tours of %i s give way to tours of %i s, as wait for wait', (before, after) => {
    expect(driveTours((route) => (route < 2_000 ? before : after))).toBeLessThan(0.5);
    expect(driveTours((route) => (route < 2_000 ? mixed(route) : after))).toBeLessThan(0.5);
  });

  it('finds waits that are three times as long, whatever the lengths of tours', () => {
    const thrice = (route: number): number => (route < 2_000 ? 1 : 3);
    expect(driveTours(mixed, thrice)).toBeGreaterThan(1);
    expect(driveTours((route) => (route < 2_000 ? mixed(route) : 15), thrice)).toBeGreaterThan(1);
  });

  it('hears nothing from a tour of no length', () => {
    const guard = createScoreGuard();
    guard.watch({ ratio: 1, shortestSeconds: 0 }, 50, 0);
    for (let route = 0; route < 900; route++)
      guard.watch({ ratio: route < 500 ? 1 : 2, shortestSeconds: 30 }, 50, 1);
    expect(guard.evidence()).toBeGreaterThan(0.9);
  });
});
