import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { addDoctorCommand } from '../../src/cli/doctorCommand.js';
import type { Diagnosis } from '../../src/cli/diagnosis.js';

let directory = '';

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'doctor-test-'));
  vi.stubEnv('AISLEFLOW_TF_BACKEND', '');
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
  vi.unstubAllEnvs();
  process.exitCode = undefined;
});

async function runDoctor(...args: string[]): Promise<string> {
  let output = '';
  const program = new Command().configureOutput({ writeOut: (text) => (output += text) });
  addDoctorCommand(program);
  await program.parseAsync(['doctor', ...args], { from: 'user' });
  return output;
}

async function diagnosisOf(...args: string[]): Promise<Diagnosis> {
  return JSON.parse(await runDoctor('--json', '--data', directory, ...args)) as Diagnosis;
}

describe('aisleflow doctor', () => {
  it('names the first backend that works as the one that serves, and ends with 0', async () => {
    const { backend, backends, healthy } = await diagnosisOf();
    expect(backends.map(({ name }) => name)).toEqual(['tensorflow', 'wasm', 'cpu']);
    expect(backend).toBe(backends.find(({ usable }) => usable)?.name);
    expect(healthy).toBe(true);
    expect(process.exitCode).toBe(0);
  });

  it('gives a reason for every backend that does not work, without the words of a failing server', async () => {
    for (const { usable, detail } of (await diagnosisOf()).backends) {
      expect(detail).not.toBe('');
      if (!usable) expect(detail).not.toMatch(/aisleflow doctor|No TF\.js/);
    }
  });

  it('honours a forced backend', async () => {
    vi.stubEnv('AISLEFLOW_TF_BACKEND', 'cpu');
    const { backend, forcedBackend } = await diagnosisOf();
    expect([backend, forcedBackend]).toEqual(['cpu', 'cpu']);
  });

  it('ends with 1 when the forced backend does not exist', async () => {
    vi.stubEnv('AISLEFLOW_TF_BACKEND', 'webgl');
    expect((await diagnosisOf()).backend).toBeNull();
    expect(process.exitCode).toBe(1);
    expect(await runDoctor('--data', directory)).toContain(
      'AISLEFLOW_TF_BACKEND asks for "webgl", which is none of tensorflow, wasm, cpu.',
    );
  });

  it('opens a journal, and reports versions and disk', async () => {
    const { checks, versions } = await diagnosisOf();
    expect(checks.map(({ name, ok }) => [name, ok])).toEqual([
      ['Node', true],
      ['Journal (SQLite)', true],
      ['Data directory', true],
      ['Disk', true],
    ]);
    expect(versions).toMatchObject({
      node: process.versions.node,
      '@tensorflow/tfjs': '4.22.0',
      aisleflow: '0.1.0',
    });
    expect(versions['better-sqlite3']).toMatch(/^\d+\.\d+\.\d+$/);
  });

  it('accepts a data directory that does not exist yet, and does not make it', async () => {
    const { checks } = await diagnosisOf('--data', join(directory, 'new', 'deeper'));
    const check = checks.find(({ name }) => name === 'Data directory');
    expect(check).toMatchObject({ ok: true, detail: expect.stringContaining('(will be made)') as string });
    expect(readdirSync(directory)).toEqual([]);
  });

  it('ends with 1 when the data directory lies below a file', async () => {
    const file = join(directory, 'file');
    writeFileSync(file, '');
    const { checks, healthy } = await diagnosisOf('--data', join(file, 'data'));
    expect(checks.find(({ name }) => name === 'Data directory')).toMatchObject({ ok: false });
    expect(healthy).toBe(false);
    expect(process.exitCode).toBe(1);
  });

  it.skipIf(process.getuid?.() === 0)('ends with 1 when the data directory may not be written', async () => {
    chmodSync(directory, 0o500);
    expect((await diagnosisOf()).healthy).toBe(false);
    expect(process.exitCode).toBe(1);
  });

  it('prints one line a check for people', async () => {
    const output = await runDoctor('--data', directory);
    expect(output).toMatch(/^serves +TF\.js \w+ /m);
    expect(output).toMatch(/^ok +Journal \(SQLite\) /m);
    expect(output).toMatch(/A server started here runs TF\.js on \w+\./);
  });
});
