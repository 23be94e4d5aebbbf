import {
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDrivenClock, type DrivenClock } from '../../src/platform/clock.js';
import { openTokenFile } from '../../src/registry/tokenFile.js';
import { tokenDigest } from '../../src/registry/tokenRecords.js';

describe('the token file', () => {
  let directory: string;
  let clock: DrivenClock;
  beforeEach(() => {
    clock = createDrivenClock(1_000);
    directory = mkdtempSync(join(tmpdir(), 'aisleflow-tokens-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('is made by the first start, with one token of each role, readable by its owner only', () => {
    const tokens = openTokenFile({ directory, clock });
    expect(tokens.issueFirst().map(({ record }) => record.role)).toEqual(['viewer', 'robot', 'operator']);
    expect(statSync(join(directory, 'tokens.json')).mode & 0o777).toBe(0o600);
  });

  it.skipIf(process.getuid?.() !== 0)('belongs to the owner of the directory where root changes it', () => {
    chownSync(directory, 1234, 1235);
    const tokens = openTokenFile({ directory, clock });
    const { record } = tokens.issue({ role: 'viewer', warehouses: '*', robots: '*' });
    tokens.revoke(record.tokenId);
    expect(statSync(join(directory, 'tokens.json'))).toMatchObject({ uid: 1234, gid: 1235, mode: 0o100600 });
  });

  it('holds digests, never a token', () => {
    const firstTokens = openTokenFile({ directory, clock }).issueFirst();
    expect(firstTokens).toHaveLength(3);
    const text = readFileSync(join(directory, 'tokens.json'), 'utf8');
    for (const { token } of firstTokens) {
      expect(text).not.toContain(token);
      expect(text).toContain(tokenDigest(token));
    }
  });

  it('makes no tokens on later starts and knows the first ones', () => {
    const first = openTokenFile({ directory, clock });
    first.issueFirst();
    const second = openTokenFile({ directory, clock });
    expect(second.issueFirst()).toEqual([]);
    expect(second.records()).toEqual(first.records());
  });

  it('sees tokens that another process issued or revoked', () => {
    const server = openTokenFile({ directory, clock });
    server.issueFirst();
    expect(server.refresh()).toBe(false);
    const command = openTokenFile({ directory, clock });
    const issued = command.issue({ role: 'robot', warehouses: ['north'], robots: ['amr-*'] });
    expect(server.refresh()).toBe(true);
    expect(server.records()).toContainEqual(issued.record);
    expect(command.revoke(issued.record.tokenId)).toBe(true);
    expect(command.revoke(issued.record.tokenId)).toBe(false);
    expect(server.refresh()).toBe(true);
    expect(server.records()).not.toContainEqual(issued.record);
  });

  it('holds a token until it expires', () => {
    const tokens = openTokenFile({ directory, clock });
    const { record } = tokens.issue({ role: 'viewer', warehouses: '*', robots: '*', expiresAt: 5_000 });
    expect(tokens.records()).toContainEqual(record);
    clock.advanceTo(5_000);
    expect(tokens.records()).not.toContainEqual(record);
    expect(tokens.revoke(record.tokenId)).toBe(false);
    tokens.issue({ role: 'viewer', warehouses: '*', robots: '*' });
    expect(readFileSync(join(directory, 'tokens.json'), 'utf8')).not.toContain(record.tokenId);
  });

  it('rotates a token: the new one may do the same, the old one ends at once or after the overlap', () => {
    const tokens = openTokenFile({ directory, clock });
    const grant = { role: 'robot', warehouses: ['north'], robots: ['amr-*'] } as const;
    const old = tokens.issue({
      ...grant,
      warehouses: [...grant.warehouses],
      robots: [...grant.robots],
    }).record;
    const ids = () => tokens.records().map(({ tokenId }) => tokenId);
    const second = tokens.rotate(old.tokenId, 60)?.record;
    expect(second).toMatchObject(grant);
    expect(ids()).toEqual([old.tokenId, second?.tokenId]);
    clock.advanceTo(clock.now() + 60_000);
    expect(ids()).toEqual([second?.tokenId]);
    const third = tokens.rotate(second?.tokenId ?? '', 0)?.record;
    expect(ids()).toEqual([third?.tokenId]);
    expect(tokens.rotate(old.tokenId, 0)).toBeNull();
    expect(ids()).toEqual([third?.tokenId]);
  });

  it('rotates a token that ends into one that ends then, too', () => {
    const tokens = openTokenFile({ directory, clock });
    const expiresAt = clock.now() + 8 * 3_600_000;
    const { tokenId } = tokens.issue({ role: 'viewer', warehouses: '*', robots: '*', expiresAt }).record;
    expect(tokens.rotate(tokenId, 60)?.record).toMatchObject({ expiresAt });
  });

  it('loses no change of two commands that opened it before either wrote', () => {
    const [one, two] = [openTokenFile({ directory, clock }), openTokenFile({ directory, clock })];
    const first = one.issue({ role: 'viewer', warehouses: '*', robots: '*' }).record;
    const second = two.issue({ role: 'viewer', warehouses: '*', robots: '*' }).record;
    expect(one.revoke(second.tokenId)).toBe(true);
    const third = two.issue({ role: 'operator', warehouses: '*', robots: '*' }).record;
    expect(openTokenFile({ directory, clock }).records()).toEqual([first, third]);
  });

  it('is left as it is by a grant that could not be read again', () => {
    const tokens = openTokenFile({ directory, clock });
    tokens.issueFirst();
    const before = tokens.records();
    expect(() => tokens.issue({ role: 'robot', warehouses: '*', robots: [''] })).toThrow(
      expect.objectContaining({ code: 'E_DATA_DIRECTORY' }),
    );
    expect(openTokenFile({ directory, clock }).records()).toEqual(before);
  });

  it('waits for who is changing it, and not for a command that died', () => {
    const tokens = openTokenFile({ directory, clock });
    const { record } = tokens.issue({ role: 'viewer', warehouses: '*', robots: '*' });
    const draft = join(directory, 'tokens.json.new');
    writeFileSync(draft, '');
    expect(() => tokens.revoke(record.tokenId)).toThrow(
      expect.objectContaining({ code: 'E_DATA_DIRECTORY' }),
    );
    expect(tokens.records()).toEqual([record]);
    utimesSync(draft, 1, 1);
    expect(tokens.revoke(record.tokenId)).toBe(true);
    expect(existsSync(draft)).toBe(false);
  });

  it('does not wait for a command that died under a clock that ran ahead', () => {
    const tokens = openTokenFile({ directory, clock });
    const { record } = tokens.issue({ role: 'viewer', warehouses: '*', robots: '*' });
    const draft = join(directory, 'tokens.json.new');
    writeFileSync(draft, '');
    utimesSync(draft, Date.now() / 1000 + 3600, Date.now() / 1000 + 3600);
    expect(tokens.revoke(record.tokenId)).toBe(true);
  });

  it('is closed to others again where a copy had opened it', () => {
    openTokenFile({ directory, clock }).issueFirst();
    chmodSync(join(directory, 'tokens.json'), 0o644);
    openTokenFile({ directory, clock });
    expect(statSync(join(directory, 'tokens.json')).mode & 0o777).toBe(0o600);
  });

  it.each([
    ['cut short', '{"format":1,"tok'],
    ['of another format', '{"format":2,"tokens":[]}'],
    [
      'with an unknown role',
      '{"format":1,"tokens":[{"tokenId":"x","role":"root","warehouses":"*","robots":"*"}]}',
    ],
  ])('refuses a file %s', (_fault, text) => {
    writeFileSync(join(directory, 'tokens.json'), text);
    expect(() => openTokenFile({ directory, clock })).toThrow(
      expect.objectContaining({ code: 'E_DATA_DIRECTORY' }),
    );
  });

  it('keeps what it read before when the file is damaged under a running server', () => {
    const tokens = openTokenFile({ directory, clock });
    tokens.issueFirst();
    const before = tokens.records();
    writeFileSync(join(directory, 'tokens.json'), 'not json');
    expect(() => tokens.refresh()).toThrow(expect.objectContaining({ code: 'E_DATA_DIRECTORY' }));
    expect(tokens.records()).toEqual(before);
  });

  it('refuses a directory that is a file', () => {
    const file = join(directory, 'taken');
    writeFileSync(file, '');
    expect(() => openTokenFile({ directory: file, clock })).toThrow(
      expect.objectContaining({ code: 'E_DATA_DIRECTORY' }),
    );
  });
});
