import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { createServerApi, type ServerApi } from '../../sim/serverApi.js';
import type { RunReport } from '../../sim/runReport.js';
import { startProgram, type Program } from '../cli/support/program.js';

const MAP = 'maps/kiva-33x36.json';
/** Longer than any pause between two tries of a socket, so that all of them are in one. */
const GAP_MILLISECONDS = 3_000;

/** The program itself: only in a process of its own does it show what keeps it alive. */
it('sim run outlasts a server that is away for seconds, and ends on Ctrl-C where it stays away', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'aisleflow-restarted-'));
  const programs: Program[] = [];
  onTestFinished(async () => {
    for (const { child } of programs) child.kill('SIGKILL');
    await Promise.all(programs.map(({ ended }) => ended));
    rmSync(directory, { recursive: true });
  });
  const start = (...args: string[]): Program => {
    const program = startProgram(args);
    programs.push(program);
    return program;
  };
  const serve = (port: string): Program =>
    start(
      ...['serve', '--json', '--port', port, '--data', directory, '--map', MAP],
      ...['--driven-clock', '--mode', 'off', '--cold', '--log-level', 'error', '--tf-backend', 'cpu'],
    );
  const first = serve('0');
  const { url, tokens } = JSON.parse(await first.until('"tokens":')) as {
    url: string;
    tokens: { robot: string; operator: string };
  };
  const api = createServerApi({ url, operatorToken: tokens.operator }, 'kiva-33x36');
  const run = (steps: number): Program =>
    start(
      ...['sim', 'run', '--map', MAP, '--robots', '200', '--single-goals', '--steps', String(steps)],
      ...['--speed-up', '10', '--url', url, '--json'],
      ...['--robot-token', tokens.robot, '--operator-token', tokens.operator],
    );

  const outlasting = run(150);
  await completions(api, 1);
  first.child.kill('SIGKILL');
  await first.ended;
  await sleep(GAP_MILLISECONDS);
  const second = serve(new URL(url).port);
  const { code, out, err } = await outlasting.ended;
  expect([code, err]).toEqual([0, '']);
  expect((JSON.parse(out) as RunReport).link.lostCompletions).toBe(0);

  const interrupted = run(100_000);
  await completions(api, (await api.summary()).completedRoutes + 1);
  second.child.kill('SIGKILL');
  await second.ended;
  interrupted.child.kill('SIGINT');
  const killedAt = performance.now();
  const ended = await interrupted.ended;
  expect([ended.code, ended.err]).toEqual([1, expect.stringMatching(/^E_LINK_LOST: [^\n]+\n$/)]);
  expect(performance.now() - killedAt).toBeLessThan(10_000);
}, 240_000);

async function completions(api: ServerApi, count: number): Promise<void> {
  while ((await api.summary()).completedRoutes < count) await sleep(100);
}
