import { createJournal, type Journal } from '../../../src/journal/journal.js';
import { createFaultyStore } from './faultyStore.js';

/** A disk under a journal that is full when the test says, with or without space kept for what cannot wait. */
export interface FullDisk {
  isFull: boolean;
  /** What was kept is used up as well. */
  isReserveSpent: boolean;
  open(): Journal;
}

export function createFullDisk(): FullDisk {
  const { durable } = createFaultyStore();
  const disk: FullDisk = {
    isFull: false,
    isReserveSpent: false,
    open() {
      const store = createFaultyStore(durable);
      let isHeld = true;
      return createJournal(
        {
          ...store,
          commit(batch) {
            const done = store.commit(batch);
            store.finish(disk.isFull && (isHeld || disk.isReserveSpent) ? 'full' : 'stored');
            return done;
          },
          reserve: {
            isHeld,
            hold: async () => (isHeld ||= !disk.isFull),
            release: async () => void (isHeld = false),
          },
        },
        {
          onFatal(error) {
            throw error;
          },
        },
      );
    },
  };
  return disk;
}
