import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../journal/support/records.js';
import { startServer, type TestServer } from '../server/support/startServer.js';
import { runProgram } from './support/program.js';

describe('the operator commands', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server.close());

  const run = (args: string, token = server.tokens.operator) =>
    runProgram(args.split(' '), { AISLEFLOW_URL: server.url, AISLEFLOW_TOKEN: token });

  it('look, tune and close lanes on a running server', async () => {
    const north = '--warehouse north';
    const [status, policies] = await Promise.all([run('status'), run('policy list --json')]);
    expect(status).toMatchObject({ code: 0, err: '' });
    expect(status.out).toContain('north');
    expect(JSON.parse(policies.out)).toEqual([]);
    const kept = await run(`policy guard ${north}`);
    expect([kept.code, kept.out]).toEqual([0, expect.stringMatching(/Last good version +│ cold weights/)]);
    const cases = await run(`corner-cases ${north} --json`);
    expect([cases.code, JSON.parse(cases.out)]).toEqual([0, []]);
    const weights = await run(`weights set wait=3 turns=0.5 ${north} --json`);
    expect(JSON.parse(weights.out)).toMatchObject({ time: 1, wait: 3, turns: 0.5 });
    expect(server.service.weights('north')).toMatchObject({ time: 1, wait: 3, turns: 0.5 });
    await Promise.all([run(`lanes close r0c0/r0c1 r0c1/r0c0 ${north}`), run(`mode frozen ${north}`)]);
    expect(server.service.warehouse('north')).toMatchObject({ closedLanes: 2, mode: 'frozen' });
    const closed = await run(`lanes list ${north}`, server.tokens.viewer);
    expect(closed).toMatchObject({ code: 0, err: '' });
    expect(closed.out).toContain('r0c0/r0c1 r0c1/r0c0 │ closure');
    expect((await run(`lanes open r0c0/r0c1 ${north}`)).out).toContain('Open now: 1.');
    expect(server.service.warehouse('north')).toMatchObject({ closedLanes: 1 });
  }, 60_000);

  it('show no score ratio and no table of corner cases before a route was completed', async () => {
    const [status, cases] = await Promise.all([run('status'), run('corner-cases --warehouse north')]);
    const cells = status.out.split('\n').map((line) => line.split('│').map((cell) => cell.trim()));
    const [head = [], row = []] = cells.filter((line) => line.length > 2);
    expect(row[head.indexOf('Score ratio')]).toBe('-');
    expect(cases.out).toMatch(/^None yet: /);
  }, 60_000);

  it('name the command, option or variable that helps, rather than the API', async () => {
    const runs = await Promise.all([
      run('status', 'aisleflow_operator_x'),
      run('mode off --warehouse nowhere'),
      run('policy activate v9 --warehouse north'),
      run('shadow --warehouse north'),
    ]);
    const helpful = ['--token', '`aisleflow status`', '`aisleflow policy list`', '`aisleflow mode shadow'];
    runs.forEach(({ code, err }, at) =>
      expect([code, err]).toEqual([1, expect.stringContaining(helpful[at]!)]),
    );
    expect(runs[3].err).toMatch(/in mode (learn|frozen)/);
  }, 120_000);

  it('show who waits', async () => {
    const { service, tokens } = server;
    const none = await Promise.all([
      run('routes --warehouse south'),
      run('routes --held --warehouse south'),
      run('lanes list --warehouse south'),
    ]);
    expect(none.map(({ out }) => out.trim())).toEqual([
      'No route is open.',
      'No robot is told to wait.',
      'No lane is closed.',
    ]);
    const robots = ['amr-1', 'amr-2'].map((robotId) => ({ robotId, robotType: 'unit' }));
    service.hello({ type: 'hello', warehouseId: 'south', robots });
    await service.requestRoute('south', { requestId: 'a', robotId: 'amr-1', from: 'r0c0', stops: ['r2c1'] });
    await service.requestRoute('south', { requestId: 'b', robotId: 'amr-2', from: 'r4c6', stops: ['r4c5'] });
    const lanes = ['r0c1', 'r1c0'].map((to) => ({ from: 'r0c0', to }));
    await service.closeLanes('south', lanes);
    await service.advanceClock('south', 1_000_000 + 600_000);
    const [all, held, json] = await Promise.all([
      run('routes --warehouse south', tokens.viewer),
      run('routes --held --warehouse south', tokens.viewer),
      run('routes --held --json --warehouse south', tokens.viewer),
    ]);
    expect([all, held, json].map(({ code, err }) => [code, err])).toEqual(
      [0, 0, 0].map((code) => [code, '']),
    );
    expect(all.out).toContain('amr-2');
    expect(held.out).toMatch(/amr-1 +│ \S+ +│ r0c0 +│ 10 min +│ \d+ min +│ no open way/);
    expect(held.out).not.toContain('amr-2');
    expect(JSON.parse(json.out)).toMatchObject({
      total: 1,
      routes: [{ robotId: 'amr-1', waitingSeconds: 600 }],
    });
  }, 60_000);

  it('cancel the route of a robot that is gone', async () => {
    const { service } = server;
    const robots = [{ robotId: 'amr-9', robotType: 'unit' }];
    service.hello({ type: 'hello', warehouseId: 'north', robots });
    const order = { requestId: 'gone', robotId: 'amr-9', from: 'r4c0', stops: ['r2c1'] };
    const { routeId } = await service.requestRoute('north', order);
    const cancel = `routes cancel ${routeId} --warehouse north`;
    const denied = await run(cancel, server.tokens.viewer);
    expect([denied.code, denied.err]).toEqual([1, expect.stringMatching(/^E_FORBIDDEN: /)]);
    const done = await run(cancel);
    expect([done.code, done.err, done.out]).toEqual([0, '', `Route ${routeId} is cancelled.\n`]);
    expect(await service.route('north', routeId)).toMatchObject({ state: 'cancelled' });
    const unknown = await run('routes cancel x1 --warehouse north');
    expect([unknown.code, unknown.err]).toEqual([1, expect.stringMatching(/^E_UNKNOWN_ROUTE: /)]);
    const [listed, help] = await Promise.all([run('routes --warehouse north'), run('routes --help')]);
    expect(listed.out).not.toContain(routeId);
    expect(help.out).toContain('aisleflow routes cancel ROUTE --warehouse kiva-33x36');
  }, 60_000);

  it('say in one line what is wrong', async () => {
    const runs = await Promise.all([
      run('policy activate v9 --warehouse north'),
      run('policy rollback --from v9 --warehouse north'),
      run('mode off --warehouse north', server.tokens.viewer),
      run('weights set speed=1 --warehouse north'),
      run('weights set wait=\t --warehouse north'),
      run('weights set wait=1=2 --warehouse north'),
      run('corner-cases replay route-1 --warehouse north'),
      run('routes --warehouse nowhere'),
      run('status --url http://127.0.0.1:1'),
    ]);
    expect(runs.map(({ code, err }) => [code, err.split(':')[0]])).toEqual([
      [1, 'E_UNKNOWN_POLICY'],
      [1, 'E_POLICY_CHANGED'],
      [1, 'E_FORBIDDEN'],
      [2, 'E_USAGE'],
      [2, 'E_USAGE'],
      [2, 'E_USAGE'],
      [1, 'E_UNKNOWN_CORNER_CASE'],
      [1, 'E_UNKNOWN_WAREHOUSE'],
      [1, 'E_LINK_LOST'],
    ]);
    for (const { err, out } of runs) expect([err.trim().split('\n').length, out]).toEqual([1, '']);
  }, 120_000);
});

it('take policy versions as they print them', async () => {
  const server = await startServer({ policiesIn: temporaryDirectory() });
  const run = (...args: string[]) =>
    runProgram(['policy', ...args, '--warehouse', 'north'], {
      ...{ AISLEFLOW_URL: server.url, AISLEFLOW_TOKEN: server.tokens.operator },
    });
  const { policyVersion: one } = await server.service.savePolicy('north');
  const { policyVersion: two } = await server.service.savePolicy('north');
  const back = await run('rollback', '--from', `${two}+0`);
  expect([back.code, back.err, back.out]).toEqual([0, '', expect.stringContaining(`${one}+0 is now`)]);
  const forth = await run('activate', `${two}+0`);
  expect([forth.code, forth.err, forth.out]).toEqual([0, '', expect.stringContaining(`${two}+0 is now`)]);
  const learnt = await run('activate', `${one}+12`);
  expect([learnt.code, learnt.err]).toEqual([2, expect.stringContaining('`aisleflow policy save`')]);
  const other = await run('rollback', '--from', `${one}+12`);
  expect([other.code, other.err]).toEqual([1, expect.stringContaining('E_POLICY_CHANGED: ')]);
  expect(server.service.warehouse('north').policyVersion).toBe(`${two}+0`);
  await server.close();
}, 60_000);
