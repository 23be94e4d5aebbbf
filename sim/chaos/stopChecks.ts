/** What a progress report tells of stops, all counted over the whole tour in the order of visit. */
export interface StopWord {
  readonly routeId: string;
  readonly revision: number;
  /** Where along the plan of that revision. */
  readonly position: number;
  /** Left out by that plan; none while its robot is not seen to follow it. */
  readonly leftOut: number;
  /** Made where the robot is one lane before that position, and there. */
  readonly before: number;
  readonly made: number;
  readonly at: number;
}

/** What one life of the service heard of a route. */
interface Heard {
  readonly life: number;
  /** Told to be made, first of them first, and before which of the service's deeds. */
  told: number;
  toldBefore: number;
  /** The robot's own instant of its last word. */
  at: number;
  /** The plan that is being reported lane by lane, and how far. */
  revision: number;
  position: number;
}

/**
 * No stop is given back needlessly: once the service has heard from a robot that it made a stop, no plan that it makes
 * later in that life has this stop. Reports are not in the journal, so a crash forgets them.
 */
export function createStopChecks(options: {
  /** Number of the process that runs. */
  readonly life: () => number;
  readonly fail: (promise: string, detail: string) => never;
}) {
  const { life, fail } = options;
  const heard = new Map<string, Heard>();
  const planned = new Map<string, { readonly revision: number; readonly deed: number }>();
  let deeds = 0;

  const heardOf = (routeId: string): Heard => {
    const known = heard.get(routeId);
    if (known?.life === life()) return known;
    const fresh = { life: life(), told: 0, toldBefore: 0, at: -Infinity, revision: -1, position: 0 };
    heard.set(routeId, fresh);
    return fresh;
  };
  /** Whether a word comes after all that the robot is known to have said before. */
  const isNews = (known: Heard, at: number): boolean => {
    if (at < known.at) return false;
    known.at = at;
    return true;
  };

  return {
    /** A plan, or word that there is none, is on its way to the disk. */
    planned(routeId: string, revision: number): void {
      planned.set(routeId, { revision, deed: deeds++ });
    },
    /** A robot left its way, which tells of no stop. @returns whether that is the latest that it said */
    left: (routeId: string, at: number): boolean => isNews(heardOf(routeId), at),
    /** @param newest the newest revision on the disk */
    heard(word: StopWord, newest: number): void {
      const { routeId, revision, position, before, made, leftOut } = word;
      const known = heardOf(routeId);
      if (!isNews(known, word.at)) return;
      let { told } = known;
      if (revision === newest && (planned.get(routeId)?.revision ?? revision) <= newest) {
        // Nobody follows a plan that leaves out what it lacks.
        told = Math.max(told, leftOut);
        if (known.revision !== revision) Object.assign(known, { revision, position: 0 });
        // Said again, a place tells nothing; a gap, that the rest may be another way.
        if (position !== known.position) known.position = position === known.position + 1 ? position : NaN;
        if (known.position === position) told = Math.max(told, made);
      }
      if (before <= told) told = Math.max(told, made);
      if (told > known.told) Object.assign(known, { told, toldBefore: deeds++ });
    },
    /** @param leftOut stops of the tour that a plan leaves out */
    told(routeId: string, revision: number, leftOut: number): void {
      const known = heardOf(routeId);
      const plan = planned.get(routeId);
      if (plan?.revision !== revision || plan.deed < known.toldBefore || leftOut >= known.told) return;
      fail(
        'S1',
        `${routeId} revision ${revision} leaves out ${leftOut} of ${known.told} stops told to be made`,
      );
    },
    /** The rest of a plan, as it is known now. */
    welcomed(routeId: string, leftOut: number): void {
      const { told } = heardOf(routeId);
      if (leftOut < told)
        fail('S1', `${routeId} is shown without ${leftOut} of ${told} stops told to be made`);
    },
  };
}
