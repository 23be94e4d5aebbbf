import { describe, expect, it } from 'vitest';
import { newToken } from '../../src/registry/tokenRecords.js';
import { authenticate, fixedTokens, reachesWarehouse, speaksFor } from '../../src/server/tokens.js';

describe('tokens', () => {
  const robot = newToken({ role: 'robot', warehouses: ['north'], robots: ['amr-*', 'lift'] }, 0);
  const operator = newToken({ role: 'operator', warehouses: '*', robots: '*' }, 0);
  const viewer = newToken({ role: 'viewer', warehouses: '*', robots: '*' }, 0);
  const source = fixedTokens([robot, operator, viewer].map(({ record }) => record));

  it('are known by their Bearer header', () => {
    expect(authenticate(source, `Bearer ${robot.token}`)?.tokenId).toBe(robot.record.tokenId);
    expect(authenticate(source, `bearer ${operator.token}`)?.role).toBe('operator');
  });

  it.each([
    ['nothing', undefined],
    ['an empty header', ''],
    ['another token', 'Bearer aisleflow_operator_0000'],
    ['a token with a letter more', `Bearer ${operator.token}x`],
    ['two tokens', `Bearer ${operator.token} ${operator.token}`],
    ['a digest', `Bearer ${operator.record.sha256}`],
    ['Basic where only Bearer counts', `Basic ${Buffer.from(`any:${operator.token}`).toString('base64')}`],
  ])('are not made of %s', (_what, header) => {
    expect(authenticate(source, header)).toBeNull();
  });

  it('may be a Basic password where a page says so', () => {
    const header = `Basic ${Buffer.from(`anyone:${viewer.token}`).toString('base64')}`;
    expect(authenticate(source, header, true)?.role).toBe('viewer');
  });

  it('hand out no digest', () => {
    expect(authenticate(source, `Bearer ${robot.token}`)).not.toHaveProperty('sha256');
  });

  it('reach their warehouses and speak for their robots', () => {
    const credential = robot.record;
    expect(reachesWarehouse(credential, 'north')).toBe(true);
    expect(reachesWarehouse(credential, 'south')).toBe(false);
    expect(['amr-1', 'lift'].map((id) => speaksFor(credential, id))).toEqual([true, true]);
    expect(['amr', 'lift-2', 'AMR-1'].map((id) => speaksFor(credential, id))).toEqual([false, false, false]);
    expect(speaksFor({ ...viewer.record }, 'amr-1')).toBe(false);
    expect(speaksFor({ ...operator.record, robots: [] }, 'amr-1')).toBe(true);
  });
});
