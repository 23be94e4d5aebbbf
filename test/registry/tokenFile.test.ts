import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDrivenClock } from '../../src/platform/clock.js';
import { openTokenFile, tokenDigest } from '../../src/registry/tokenFile.js';

describe('the token file', () => {
  let directory: string;
  const clock = createDrivenClock(1_000);
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'aisleflow-tokens-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('is made by the first start, with one token of each role, readable by its owner only', () => {
    const tokens = openTokenFile({ directory, clock });
    expect(tokens.issueFirst().map(({ record }) => record.role)).toEqual(['viewer', 'robot', 'operator']);
    expect(statSync(join(directory, 'tokens.json')).mode & 0o777).toBe(0o600);
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
