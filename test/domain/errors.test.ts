import { expect, it } from 'vitest';
import { AppError, wireError } from '../../src/domain/errors.js';

it('what came over the wire is refused without a stack, and all else with one', () => {
  const refusal = wireError('E_BAD_MESSAGE', { detail: 'it is none' });
  expect(refusal).toBeInstanceOf(AppError);
  expect(refusal.stack).toBe(`AppError: ${refusal.message}`);
  expect(new AppError('E_NOT_FOUND', { path: '/' }).stack).toContain('errors.test.ts');
});
