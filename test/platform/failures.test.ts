import { AssertionError } from 'node:assert';
import { expect, it } from 'vitest';
import { worstOf } from '../../src/platform/failures.js';

it('tells of a broken invariant before all else, else of the first failure', () => {
  const [busy, full, broken] = [
    new Error('busy'),
    new Error('full'),
    new AssertionError({ message: 'broken' }),
  ];
  expect([worstOf([busy, full]), worstOf([busy, broken, full])]).toEqual([busy, broken]);
});
