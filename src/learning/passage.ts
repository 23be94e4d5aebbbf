/** One lane that a robot set out on, and what others paid for it meanwhile. */
export interface Passage {
  /** The node that the lane leads to. */
  readonly toNode: number;
  /** Seconds that others waited for a node held on this lane. */
  blockingSeconds: number;
  /** Seconds of this robot's own wait that were spent behind stopped robots: nobody's fault. */
  excusedSeconds: number;
  /** The training row made of it, or -1 before there is one. */
  row: number;
}

export function createPassage(toNode: number): Passage {
  return { toNode, blockingSeconds: 0, excusedSeconds: 0, row: -1 };
}
