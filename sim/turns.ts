/** Wall milliseconds between two turns: short against a plan's way there and back. */
const TURN_MILLISECONDS = 10;
/** Part of a step in which robots speak; in the rest the last ones' answers come in, before the floor moves on. */
const SPEAKING_SHARE = 0.8;
const GOLDEN_RATIO = 0.618_033_988_749_895;

/** The turns of a step that takes so many wall milliseconds, at least one. */
export interface Turns {
  readonly count: number;
  /** Share of the step that is over when a turn is due. */
  shareAt(turn: number): number;
}

/** Robots of a real fleet do not wait for each other to speak: over the socket each has its time in the step. */
export function turnsOf(stepMilliseconds: number): Turns {
  const count = Math.max(1, Math.floor((SPEAKING_SHARE * stepMilliseconds) / TURN_MILLISECONDS));
  return { count, shareAt: (turn) => (SPEAKING_SHARE * turn) / count };
}

/** Which robots speak in each turn, in their order: spread evenly, however many they are, and always the same. */
export function robotsByTurn(robots: number, turns: number): readonly (readonly number[])[] {
  const byTurn: number[][] = Array.from({ length: turns }, () => []);
  for (let robot = 0; robot < robots; robot++) {
    byTurn[Math.floor(turns * ((robot * GOLDEN_RATIO) % 1))]?.push(robot);
  }
  return byTurn;
}
