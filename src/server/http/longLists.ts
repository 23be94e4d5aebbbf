import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { busy } from '../../domain/errors.js';
import { LIMITS } from '../../domain/limits.js';

/** Lists of any length: made and written in parts, as fast as they are read, with everything else going on in between. */
export interface LongLists {
  /** The list as JSON; whole where it is no longer than a part. @throws E_BUSY while another is under way */
  open(items: Iterable<unknown>): string | Readable;
}

export function createLongLists(): LongLists {
  let isUnderWay = false;
  return {
    open(items) {
      const parts = jsonParts(items);
      const first = parts.next();
      if (first.done === true) return first.value;
      if (isUnderWay) throw busy(1, 'long lists');
      isUnderWay = true;
      const list = Readable.from(inTurns(first.value, parts), { objectMode: false });
      return list.once('close', () => (isUnderWay = false));
    },
  };
}

function* jsonParts(items: Iterable<unknown>): Generator<string, string> {
  let part = '[';
  let separator = '';
  for (const item of items) {
    if (part.length >= LIMITS.listPartCharacters) {
      yield part;
      part = '';
    }
    part += separator + JSON.stringify(item);
    separator = ',';
  }
  return `${part}]`;
}

async function* inTurns(first: string, rest: Generator<string, string>): AsyncGenerator<string> {
  yield first;
  for (;;) {
    await nextTurn();
    const { value, done } = rest.next();
    yield value;
    if (done === true) return;
  }
}
