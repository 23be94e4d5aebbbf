import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/domain/limits.js';
import { readMessage } from '../../src/server/wireMessages.js';

type Entry = readonly [nodeId: unknown, at: number, laneId: unknown];

function read(value: unknown): { code: string | undefined; detail: unknown } {
  const result = readMessage(Buffer.from(JSON.stringify(value)), false, () => true);
  if (result.kind === 'message') return { code: undefined, detail: result.message.type };
  return { code: result.error.code, detail: result.error.references['detail'] };
}

function completion(entries: number, last: Entry = ['r0c0', 1, null]) {
  const trace: Entry[] = Array.from({ length: entries - 1 }, () => ['r0c0', 1, null]);
  return { type: 'route.completed', routeId: 'x', trace: [...trace, last] };
}

describe('a message of a fleet', () => {
  it('may have a trace as long as the limit says', () => {
    expect(read(completion(LIMITS.traceEntries))).toEqual({ code: undefined, detail: 'route.completed' });
  });

  it('is told where it is wrong', () => {
    const { code, detail } = read(completion(500, [7, 1, null]));
    expect([code, detail]).toEqual(['E_BAD_MESSAGE', expect.stringContaining('/trace/499/0')]);
  });

  it.each([[[]], [[{ type: 'hello' }]], ['hello'], [1], [null]])(
    'is one object, which %j is not',
    (value) => {
      expect(read(value)).toEqual({ code: 'E_BAD_MESSAGE', detail: 'a message is one JSON object' });
    },
  );

  it('is refused without being told where, if looking for it would hold up all others', () => {
    for (const long of [completion(2000, [7, 1, null]), completion(LIMITS.traceEntries + 1)]) {
      const { code, detail } = read(long);
      expect([code, detail]).toEqual(['E_BAD_MESSAGE', expect.stringContaining('more than 4000 values')]);
    }
  });

  it.each([
    ['objects', Array.from({ length: 100_000 }, () => ({}))],
    ['numbers', Array.from({ length: 100_000 }, (_, i) => i % 10)],
    ['fields', Object.fromEntries(Array.from({ length: 11_000 }, (_, i) => [`k${i}`, 1]))],
  ])('is not even parsed with a great many %s', (what, content) => {
    const limit = what === 'fields' ? 'more than 10000 fields' : 'more than 70000 values';
    expect(read({ type: 'hello', content })).toEqual({ code: 'E_BAD_ENCODING', detail: `it holds ${limit}` });
  });

  it('is read to the first byte that no JSON has there, and no further', () => {
    const long = Buffer.from(`{"type":${'x'.repeat(1000)}`);
    const result = readMessage(long, false, () => true);
    expect(result).toMatchObject({
      error: { code: 'E_BAD_ENCODING', references: { detail: 'byte 8 cannot stand there in JSON' } },
    });
    const every = ' {"type":"é\\"x", "a":[true,false,null],\t"b":-0.25E+7,\r\n"c":1e-9} ';
    expect(readMessage(Buffer.from(every), false, () => true)).toMatchObject({
      error: { code: 'E_BAD_MESSAGE' },
    });
  });

  it('may introduce as many robots as the limit says', () => {
    const robots = Array.from({ length: LIMITS.robotsPerHello }, (_, i) => ({
      ...{ robotId: `amr-${i}`, robotType: 'unit', node: 'r0c0' },
    }));
    expect(read({ type: 'hello', warehouseId: 'north', robots }).code).toBeUndefined();
  });

  it('is told of a field that it must not have, among however many', () => {
    for (const count of [1, 7, 8, 30]) {
      const fields = Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 1]));
      const { detail } = read({ type: 'hello', warehouseId: 'north', robots: [], ...fields });
      expect(detail).toMatch(/^it has the unknown field "k\d+"$/);
    }
  });

  it('may have any commas and brackets in its strings', () => {
    const routeId = ',[{:'.repeat(30_000);
    expect(read({ type: 'route.completed', routeId, trace: [] }).code).toBe('E_BAD_MESSAGE');
  });
});
