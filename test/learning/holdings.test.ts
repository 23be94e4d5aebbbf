import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/domain/limits.js';
import { createHoldings, type Arrival, type Wait } from '../../src/learning/holdings.js';
import { createPassage, type Passage } from '../../src/learning/passage.js';

const NODE = 3;
const A = 0;
const B = 1;
const C = 2;

const arrival = (
  setOutSeconds: number,
  atSeconds: number,
  by: Passage | null,
  next: Passage | null,
  readySeconds = atSeconds,
): Arrival => ({ atSeconds, setOutSeconds, readySeconds, by, next });
const wait = (robot: number, fromSeconds: number, toSeconds: number): Wait => ({
  ...{ robot, node: NODE, fromSeconds, toSeconds },
});

function setUp() {
  const told: Passage[] = [];
  const holdings = createHoldings(10, (passage) => told.push(passage));
  return { holdings, told, by: createPassage(4), next: createPassage(4) };
}

describe('who pays for a wait', () => {
  it('is who holds the node, on the lane that it was then on', () => {
    const { holdings, by, next } = setUp();
    // Sets out for the node at 10, arrives at 12, has left it and arrived elsewhere at 20.
    holdings.arrive(A, NODE, arrival(10, 12, by, next));
    holdings.arrive(A, 4, arrival(19, 20, next, null));
    // From 10 to 20 of its wait from 5 to 30 somebody was there; the rest nobody explains.
    expect(holdings.charge(wait(B, 5, 30))).toEqual({ otherSeconds: 10, obstacleSeconds: 0 });
    expect([by.blockingSeconds, next.blockingSeconds]).toEqual([2, 8]);
  });

  it('is nobody for the time of handling', () => {
    const { holdings, by, next } = setUp();
    holdings.arrive(A, NODE, arrival(0, 1, by, next, 9));
    holdings.charge(wait(B, 1, 12));
    expect([by.blockingSeconds, next.blockingSeconds]).toEqual([0, 3]);
  });

  it('is the newest of two that qualify, for the seconds that it covers', () => {
    const { holdings } = setUp();
    const [older, newer] = [createPassage(4), createPassage(4)];
    holdings.arrive(A, NODE, arrival(0, 0, null, older));
    // The first is about to leave (it arrives elsewhere at 8) when the second sets out for the node at 6.
    holdings.arrive(A, 4, arrival(5, 8, older, null));
    holdings.arrive(B, NODE, arrival(6, 8, newer, null));
    expect(holdings.charge(wait(C, 2, 8)).otherSeconds).toBe(6);
    expect([older.blockingSeconds, newer.blockingSeconds]).toEqual([4, 2]);
  });

  it('does not depend on the order in which traces tell of it', () => {
    const { holdings } = setUp();
    const [older, newer] = [createPassage(4), createPassage(4)];
    holdings.arrive(B, NODE, arrival(6, 8, newer, null));
    holdings.arrive(A, NODE, arrival(0, 0, null, older));
    holdings.arrive(A, 4, arrival(5, 8, older, null));
    holdings.charge(wait(C, 2, 8));
    expect([older.blockingSeconds, newer.blockingSeconds]).toEqual([4, 2]);
  });

  it('is never the robot that waits', () => {
    const { holdings, next } = setUp();
    holdings.arrive(A, NODE, arrival(0, 0, null, next));
    expect(holdings.charge(wait(A, 0, 10)).otherSeconds).toBe(0);
    expect(next.blockingSeconds).toBe(0);
  });

  it('is the new passage once the holder was planned anew where it stands', () => {
    const { holdings, by, next } = setUp();
    const replanned = createPassage(4);
    holdings.arrive(A, NODE, arrival(0, 1, by, next));
    holdings.depart(A, replanned, 1);
    holdings.charge(wait(B, 2, 6));
    expect([next.blockingSeconds, replanned.blockingSeconds]).toEqual([0, 4]);
  });

  it('is nobody for the time before a holder that stood there had anything to do', () => {
    const { holdings, by, next } = setUp();
    holdings.arrive(A, NODE, arrival(0, 1, by, null));
    holdings.depart(A, next, 9);
    expect(holdings.charge(wait(B, 2, 12)).otherSeconds).toBe(10);
    expect([by.blockingSeconds, next.blockingSeconds]).toEqual([0, 3]);
  });

  it('is told where the row of the passage is made already', () => {
    const { holdings, told, by, next } = setUp();
    holdings.arrive(A, NODE, arrival(0, 1, by, next));
    holdings.charge(wait(B, 2, 3));
    expect(told).toEqual([]);
    next.row = 17;
    holdings.charge(wait(C, 2, 4));
    expect([told, next.blockingSeconds]).toEqual([[next], 3]);
  });

  it('is the head of the queue, for as long as the others stand in it', () => {
    const { holdings, next } = setUp();
    const head = createPassage(5);
    // A, on the node, wants to go on to 4, where B stands and goes on to 5 at 16.
    holdings.arrive(A, NODE, arrival(0, 0, null, next));
    holdings.arrive(B, 4, arrival(0, 0, null, head));
    holdings.arrive(B, 5, arrival(15, 16, head, null));
    expect(holdings.charge(wait(C, 10, 20))).toEqual({ otherSeconds: 10, obstacleSeconds: 0 });
    expect([next.blockingSeconds, head.blockingSeconds]).toEqual([4, 6]);
  });

  it('is who waits no more itself, from setting out on', () => {
    const { holdings, next } = setUp();
    const head = createPassage(5);
    holdings.arrive(A, NODE, arrival(0, 0, null, next));
    holdings.arrive(B, 4, arrival(0, 0, null, head));
    // A follows B closely: it sets out for 4 at 14, where B still is until 16.
    holdings.arrive(A, 4, arrival(14, 18, next, null));
    holdings.arrive(B, 5, arrival(13, 16, head, null));
    holdings.charge(wait(C, 10, 18));
    expect([next.blockingSeconds, head.blockingSeconds]).toEqual([4, 4]);
  });

  it('is somebody where robots wait for each other in a circle, for every second once', () => {
    const { holdings, next } = setUp();
    const back = createPassage(NODE);
    holdings.arrive(A, NODE, arrival(0, 0, null, next));
    holdings.arrive(B, 4, arrival(0, 0, null, back));
    holdings.charge(wait(C, 10, 20));
    expect(next.blockingSeconds + back.blockingSeconds).toBe(10);
  });

  it('is nobody for a robot that the floor has forgotten', () => {
    const { holdings, next } = setUp();
    holdings.arrive(A, NODE, arrival(0, 1, null, next));
    holdings.forget(A);
    holdings.charge(wait(B, 2, 9));
    expect(next.blockingSeconds).toBe(0);
  });
});

describe('a stopped robot', () => {
  it('is an obstacle for as long as it stood: nobody pays, and the wait behind it is excused', () => {
    const { holdings, next } = setUp();
    holdings.arrive(A, NODE, arrival(0, 1, null, next));
    holdings.setObstacle(A, true, 3);
    holdings.setObstacle(A, false, 8);
    // The wait is charged when it is over: the robot drives again by then.
    expect(holdings.charge(wait(B, 2, 10))).toEqual({ otherSeconds: 8, obstacleSeconds: 5 });
    expect(next.blockingSeconds).toBe(3);
  });

  it('waits for nobody: whoever stands before it is not to blame for the queue behind it', () => {
    const { holdings, next } = setUp();
    const before = createPassage(5);
    holdings.arrive(A, NODE, arrival(0, 0, null, next));
    holdings.arrive(B, 4, arrival(0, 0, null, before));
    holdings.setObstacle(A, true, 0);
    holdings.charge(wait(C, 10, 20));
    expect([next.blockingSeconds, before.blockingSeconds]).toEqual([0, 0]);
  });

  it('that is still stopped excuses all of it from then on, said once or twice', () => {
    const { holdings, next } = setUp();
    holdings.arrive(A, NODE, arrival(0, 1, null, next));
    holdings.setObstacle(A, true, 4);
    holdings.setObstacle(A, true, 6);
    expect(holdings.explain(wait(B, 2, 10))).toEqual({ otherSeconds: 8, obstacleSeconds: 6 });
    expect(next.blockingSeconds).toBe(0);
    expect(holdings.charge(wait(B, 2, 10)).obstacleSeconds).toBe(6);
    expect(next.blockingSeconds).toBe(2);
  });

  it('is one all the time once it stops and goes for the sake of it', () => {
    const { holdings, next } = setUp();
    holdings.arrive(A, NODE, arrival(0, 1, null, next));
    for (let at = 2; at < 2_000; at++) holdings.setObstacle(A, at % 2 === 0, at);
    holdings.setObstacle(A, true, 2_000);
    // Sixteen stops are told apart, and from the last on it stands: whoever waits must not have to read them all.
    expect(holdings.charge(wait(B, 2, 32)).obstacleSeconds).toBe(15);
    expect(holdings.explain(wait(B, 32, 2_032)).obstacleSeconds).toBe(2_000);
    expect(next.blockingSeconds).toBe(15);
  });

  it('is one on the next node too, where it is pushed while it is stopped', () => {
    const { holdings, next } = setUp();
    holdings.setObstacle(A, true, 0);
    holdings.arrive(A, NODE, arrival(5, 6, null, next));
    expect(holdings.charge(wait(B, 6, 10)).obstacleSeconds).toBe(4);
    expect(next.blockingSeconds).toBe(0);
  });
});

describe('who held a node', () => {
  it.each([
    ['all nodes', Array.from({ length: 30 }, (_, second) => second % 7), 10, 10],
    ['that node', new Array<number>(100).fill(NODE), LIMITS.holdsKeptPerNode, 1000],
    // Of a hundred 64 are left: the limit of all counts those that are gone as well.
    [
      'either',
      [...new Array<number>(100).fill(NODE), ...Array.from({ length: 60 }, (_, i) => 4 + (i % 2))],
      124,
      150,
    ],
    ['all nodes, whichever they were', [1, 1, 1, 1, 2, 3, 1, 2, 2, 2, 2, 2], 5, 5],
  ])('is forgotten, the longest ago first, beyond a limit of %s', (_what, visits, kept, limit) => {
    const holdings = createHoldings(10, () => undefined, limit);
    visits.forEach((node, second) => {
      holdings.arrive(second, node, arrival(second, second + 0.5, null, null));
      holdings.forget(second);
    });
    const remembered = [...visits.keys()].filter((second) => {
      const during = { robot: -1, node: visits[second]!, fromSeconds: second, toSeconds: second + 0.5 };
      return holdings.explain(during).otherSeconds > 0;
    });
    expect(remembered).toEqual([...visits.keys()].slice(-kept));
  });
});
