/** One lane that a robot set out on, and what others paid for it meanwhile. */
export interface Passage {
  /** Seconds that others waited for a node held on this lane. */
  blockingSeconds: number;
  /** Seconds of this robot's own wait that were spent behind stopped robots: nobody's fault. */
  excusedSeconds: number;
  /** The training row made of it, or -1 before there is one. */
  row: number;
}

export function createPassage(): Passage {
  return { blockingSeconds: 0, excusedSeconds: 0, row: -1 };
}
