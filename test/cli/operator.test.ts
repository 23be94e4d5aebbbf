import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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
    expect((await run(`lanes open r0c0/r0c1 ${north}`)).out).toContain('1 opened');
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

  it('say in one line what is wrong', async () => {
    const runs = await Promise.all([
      run('policy activate v9 --warehouse north'),
      run('policy rollback --from v9 --warehouse north'),
      run('mode off --warehouse north', server.tokens.viewer),
      run('weights set speed=1 --warehouse north'),
      run('weights set wait=\t --warehouse north'),
      run('weights set wait=1=2 --warehouse north'),
      run('corner-cases replay route-1 --warehouse north'),
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
      [1, 'E_LINK_LOST'],
    ]);
    for (const { err, out } of runs) expect([err.trim().split('\n').length, out]).toEqual([1, '']);
  }, 120_000);
});
