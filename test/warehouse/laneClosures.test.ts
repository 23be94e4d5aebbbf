import { describe, expect, it } from 'vitest';
import type { LaneIndex } from '../../src/domain/ids.js';
import { createLaneClosures } from '../../src/warehouse/laneClosures.js';
import { gridFromText } from '../../src/warehouse/movingAi.js';

const lanes = (...indexes: number[]): LaneIndex[] => indexes as LaneIndex[];

describe('lane closures', () => {
  it('close and open lanes, and answer what changed', () => {
    const graph = gridFromText('W..E');
    const closures = createLaneClosures(graph);
    expect(closures.close(lanes(1, 2, 2))).toEqual([1, 2]);
    expect([...graph.open]).toEqual([1, 0, 0, 1, 1, 1]);
    expect(closures.close(lanes(2, 3))).toEqual([3]);
    expect(closures.closedLanes()).toEqual([1, 2, 3]);
    expect(closures.open(lanes(0, 1))).toEqual([1]);
    expect(closures.closedLanes()).toEqual([2, 3]);
  });

  it('count an epoch for each change and none for what was so already', () => {
    const closures = createLaneClosures(gridFromText('W..E'));
    expect(closures.epoch).toBe(0);
    closures.open(lanes(0));
    expect(closures.epoch).toBe(0);
    closures.close(lanes(0));
    closures.close(lanes(0));
    expect(closures.epoch).toBe(1);
    closures.open(lanes(0));
    expect(closures.epoch).toBe(2);
  });

  it('count those that open lanes for themselves', () => {
    const closures = createLaneClosures(gridFromText('W..E'));
    closures.close(lanes(0));
    closures.close(lanes(1));
    expect(closures.openedEpoch).toBe(0);
    closures.open(lanes(0, 1));
    closures.open(lanes(0, 1));
    expect(closures.openedEpoch).toBe(1);
  });

  it('change nothing when one of the lanes does not exist', () => {
    const graph = gridFromText('W..E');
    const closures = createLaneClosures(graph);
    for (const stray of [-1, 6, 1.5, NaN]) expect(() => closures.close(lanes(0, stray))).toThrow(RangeError);
    expect(closures.epoch).toBe(0);
    expect(graph.open[0]).toBe(1);
  });
});
