import { describe, expect, it } from 'vitest';
import { createJournal } from '../../src/journal/journal.js';
import { createFaultyStore, settle } from '../journal/support/faultyStore.js';
import { cell, lane, SITE, startService } from './support/startService.js';

describe('closing a lane, where a robot is taken to be past it by its ETAs', () => {
  async function setUp() {
    const store = createFaultyStore();
    const journal = createJournal(store, { onFatal: (error) => expect(error).toBeUndefined() });
    const started = await startService({ journal, map: '......\n......', robots: ['a', 'b'] });
    const { service, events, pass, now } = started;
    const stored = async (): Promise<void> => {
      await settle();
      expect(store.finish('stored')).toBe(true);
      await settle();
    };
    const issue = async (robotId: string, from: string, to: string): Promise<string> => {
      const asked = { requestId: 'q1', robotId, from: cell(from), stops: [cell(to)] };
      const answer = service.requestRoute(SITE, asked);
      await stored();
      return (await answer).routeId;
    };
    const silent = await issue('a', '00', '05');
    await pass(3);
    // This one has the lane before it still, and a slow disk holds its next plan up.
    await issue('b', '01', '05');
    let answered = false;
    const closing = service.closeLanes(SITE, [lane('01', '02')]).then(() => void (answered = true));
    await stored();
    const report = (node: string): void =>
      service.routeProgress(SITE, {
        ...{ type: 'route.progress', routeId: silent, revision: 0, node: cell(node), at: now() },
      });
    const told = (): string[] =>
      events.flatMap((event) => (event.kind === 'route.updated' ? [event.message.robotId] : []));
    return { stored, closing, report, told, isAnswered: () => answered };
  }

  it('is not answered before a robot that says meanwhile that it is not was sent another way', async () => {
    const { stored, closing, report, told, isAnswered } = await setUp();
    report('01');
    await stored();
    expect([told(), isAnswered()]).toEqual([['b'], false]);
    await stored();
    await closing;
    expect(told()).toEqual(['b', 'a']);
  });

  it('leaves a robot alone that says meanwhile that it is', async () => {
    const { stored, closing, report, told } = await setUp();
    report('03');
    await stored();
    await closing;
    expect(told()).toEqual(['b']);
  });
});
