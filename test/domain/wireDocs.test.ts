import { readFileSync } from 'node:fs';
import { Value } from 'typebox/value';
import { expect, it } from 'vitest';
import { DESCRIBED, WIRE_DOCS, wireDocs } from '../../scripts/wireDocs.js';
import { FROM_FLEET, TO_FLEET } from '../../src/domain/messages.js';
import { CLOSE } from '../../src/server/fleetConnection.js';
import { FRAME_REFUSALS } from '../../src/server/upgrade.js';

const MESSAGES = { ...FROM_FLEET, ...TO_FLEET };

it('docs/websocket.md says what the schemas say; npm run docs:websocket writes it', () => {
  expect(readFileSync(WIRE_DOCS, 'utf8')).toBe(wireDocs());
});

it.each(Object.entries(MESSAGES))('its example of %s is one', (name, schema) => {
  expect([...Value.Errors(schema, DESCRIBED[name]!.example)]).toEqual([]);
});

it('says how long texts and lists may be', () => {
  const text = wireDocs();
  expect(text).toContain('| `reason` | string, 1 to 200 characters |');
  expect(text).toContain('| `trace` | list of 1 to 16,000 [id, integer, integer or null] |');
});

it('lists the close codes that the server sends, and no others', () => {
  const listed = [...wireDocs().matchAll(/^\| (1\d{3}) \|/gm)].map(([, code]) => Number(code));
  const sent = new Set([...Object.values(CLOSE), ...FRAME_REFUSALS.keys()]);
  expect(listed).toEqual([...sent].toSorted());
});
