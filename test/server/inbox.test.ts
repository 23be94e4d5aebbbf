import { EventEmitter } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import { LIMITS } from '../../src/domain/limits.js';
import { openInbox } from '../../src/server/inbox.js';

/** What the inbox uses of a WebSocket. */
class Line extends EventEmitter {
  readonly OPEN = 1;
  readyState = 1;
  isPaused = false;
  pause = (): void => void (this.isPaused = true);
  resume = (): void => void (this.isPaused = false);
}

describe('the inbox of a connection', () => {
  let line: Line;
  let now = 0;
  let read: string[] = [];
  let refused: string[] = [];
  let closed: number[] = [];
  beforeEach(() => {
    [line, now, read, refused, closed] = [new Line(), 0, [], [], []];
    openInbox({
      socket: line as unknown as WebSocket,
      receive(bytes) {
        now += LIMITS.webSocketMillisecondsPerTurn / 2;
        read.push(bytes.toString());
      },
      refuse: (reason) => refused.push(reason),
      closed: (code) => closed.push(code),
      now: () => now,
    });
  });
  const say = (...words: string[]): void => {
    for (const word of words) line.emit('message', Buffer.from(word), false);
  };

  it('hands on in order, no more than its time in each turn, and reads nothing meanwhile', async () => {
    say('a', 'b', 'c', 'd', 'e');
    expect([read.join(''), line.isPaused]).toEqual(['ab', true]);
    await turn();
    expect([read.join(''), line.isPaused]).toEqual(['abcd', true]);
    say('f');
    expect(read.join('')).toBe('abcd');
    await turn();
    expect([read.join(''), line.isPaused]).toEqual(['abcdef', false]);
  });

  it('begins anew in the next turn', async () => {
    say('a', 'b');
    await turn();
    say('c', 'd');
    expect([read.join(''), line.isPaused]).toEqual(['abcd', false]);
  });

  it('hands on what came before its connection closed, and nothing of what came after', async () => {
    say('a', 'b', 'c');
    line.readyState = 2;
    say('d');
    line.emit('close', 1000);
    expect(closed).toEqual([]);
    await turn();
    expect([read.join(''), closed, line.isPaused]).toEqual(['abc', [1000], true]);
  });

  it('drops what still waits of a connection that broke off', async () => {
    say('a', 'b', 'c');
    line.emit('close', 1006);
    expect(closed).toEqual([1006]);
    await turn();
    expect([read.join(''), closed]).toEqual(['ab', [1006]]);
  });

  it('tells at once of a connection that closes with nothing before it', () => {
    say('a');
    line.emit('close', 1001);
    expect(closed).toEqual([1001]);
  });

  it('refuses whoever floods it with pings and pongs, and nobody who sends some in each turn', async () => {
    for (let round = 0; round < 5; round++) {
      for (let i = 1; i < LIMITS.webSocketControlFramesPerTurn; i++) line.emit(i % 2 ? 'ping' : 'pong');
      await turn();
    }
    expect(refused).toEqual([]);
    for (let i = 0; i < 3 * LIMITS.webSocketControlFramesPerTurn; i++) line.emit('pong');
    expect(refused).toEqual(['E_BUSY: too many pings or pongs']);
  });
});
