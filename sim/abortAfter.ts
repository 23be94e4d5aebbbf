/** Aborts when the time is over, or when another signal does. */
export interface TimedAbort {
  readonly signal: AbortSignal;
  release(): void;
}

/**
 * Not `AbortSignal.any` with `AbortSignal.timeout`: Node 20 collects that pair as garbage while it is waited for,
 * and it never fires.
 *
 * @param milliseconds Infinity: never
 */
export function abortAfter(milliseconds: number, other: AbortSignal): TimedAbort {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  const timer = milliseconds === Infinity ? undefined : setTimeout(abort, milliseconds);
  if (other.aborted) abort();
  else other.addEventListener('abort', abort, { once: true });
  return {
    signal: controller.signal,
    release() {
      clearTimeout(timer);
      other.removeEventListener('abort', abort);
    },
  };
}
