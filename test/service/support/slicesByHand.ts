import { expect } from 'vitest';
import type { Slices } from '../../../src/platform/slices.js';
import { settle } from '../../journal/support/faultyStore.js';

/** Slices of one piece of work each, which begin when the test says. */
export function createSlicesByHand() {
  const waiting: (() => void)[] = [];
  const slices: Slices = {
    run: (work) => new Promise((resolve) => waiting.push(() => resolve(work()))),
  };
  /** Lets the next begin, and what they do without the disk come to its end. */
  const turn = async (count = 1): Promise<void> => {
    for (let i = 0; i < count; i++) {
      expect(waiting).not.toEqual([]);
      waiting.shift()!();
      await settle();
    }
  };
  const turnAll = async (): Promise<void> => {
    while (waiting.length > 0) await turn();
  };
  return { slices, turn, turnAll, waiting: () => waiting.length };
}
