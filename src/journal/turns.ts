/** Work under one key runs one after the other, in the order in which it came; other keys do not wait. */
export interface Turns {
  /** Starts `work` at once when its key is free. A failure does not stop those behind it. */
  run<T>(key: string, work: () => Promise<T>): Promise<T>;
}

export function createTurns(): Turns {
  const lastOf = new Map<string, Promise<unknown>>();
  return {
    run<T>(key: string, work: () => Promise<T>): Promise<T> {
      const before = lastOf.get(key);
      const mine =
        before === undefined
          ? work()
          : before.then(
              () => work(),
              () => work(),
            );
      lastOf.set(key, mine);
      const forget = (): void => {
        if (lastOf.get(key) === mine) lastOf.delete(key);
      };
      mine.then(forget, forget);
      return mine;
    },
  };
}
