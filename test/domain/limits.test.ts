import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { LIMITS } from '../../src/domain/limits.js';

const sources = ['src', 'sim'].flatMap((directory) =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('limits.ts'))
    .map((file) => readFileSync(join(directory, file), 'utf8')),
);

it.each(Object.keys(LIMITS))('the limit %s is applied somewhere', (name) => {
  expect(sources.some((source) => new RegExp(`\\b${name}\\b`).test(source))).toBe(true);
});
