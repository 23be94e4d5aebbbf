import type { Random } from '../../src/platform/random.js';
import type { Schedule } from './schedule.js';

/** Messages take their time, come twice, overtake each other or never come. */
export interface ChaosNetwork {
  /** `name` decides the fate: the same message of the same seed has the same one, whatever else happens. */
  carry(name: string, deliver: () => void, lost: () => void): void;
  worsen(weather: Weather, milliseconds: number): void;
}

interface Weather {
  readonly delaySeconds: number;
  readonly duplicate: number;
  readonly drop: number;
}

export function createChaosNetwork(schedule: Schedule, random: Random): ChaosNetwork {
  const fronts: { readonly weather: Weather; readonly until: number }[] = [];
  const worst = (measure: keyof Weather): number =>
    fronts.reduce((most, { weather }) => Math.max(most, weather[measure]), 0);
  return {
    carry(name, deliver, lost) {
      while (fronts.length > 0 && fronts[0]!.until <= schedule.now()) fronts.shift();
      const lot = random.fork(name);
      const delay = (): number => 5 + 20 * lot.next() + 1000 * worst('delaySeconds') * lot.next() ** 2;
      const isLost = lot.next() < worst('drop');
      const isDoubled = lot.next() < worst('duplicate');
      schedule.after(delay(), isLost ? lost : deliver);
      if (isDoubled && !isLost) schedule.after(delay(), deliver);
    },
    worsen(weather, milliseconds) {
      fronts.push({ weather, until: schedule.now() + milliseconds });
      fronts.sort((a, b) => a.until - b.until);
    },
  };
}
