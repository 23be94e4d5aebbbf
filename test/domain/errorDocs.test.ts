import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ERROR_DOCS, errorDocs } from '../../scripts/errorDocs.js';

it('docs/errors.md says what the catalogue says; npm run docs:errors writes it', () => {
  expect(readFileSync(ERROR_DOCS, 'utf8')).toBe(errorDocs());
});
