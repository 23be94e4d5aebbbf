import { AssertionError } from 'node:assert';

/**
 * Which of several failures is told: a broken invariant, by which a process ends, else the first.
 * @param failures at least one
 */
export function worstOf(failures: readonly unknown[]): unknown {
  return failures.find((failure) => failure instanceof AssertionError) ?? failures[0];
}
