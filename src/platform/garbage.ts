import { setFlagsFromString } from 'node:v8';

/**
 * Has V8 let the heap of each thread become twice what lives in it before it collects all of it (decision 0023). Left alone
 * it lets that of a program that allocates little grow by a fifth, and counts the bytes of buffers there: messages of a
 * megabyte then have all of it marked twice a second, for 30 ms each, with every plan waiting.
 */
export function letHeapDouble(): void {
  setFlagsFromString('--heap-growing-percent=100');
}
