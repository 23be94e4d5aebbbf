import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { diagnose, type Diagnosis } from './diagnosis.js';
import { packageFile } from './packageFiles.js';

interface DoctorOptions {
  readonly data?: string;
  readonly json?: boolean;
}

const HELP = `
Exit code: 0 a server would start here, 1 it would not.

Examples:
  aisleflow doctor
  aisleflow doctor --data /var/lib/aisleflow --json
  AISLEFLOW_TF_BACKEND=wasm aisleflow doctor`;

/** Adds `doctor`: what serves on this machine and why not the rest. Sets `process.exitCode`. */
export function addDoctorCommand(program: Command): void {
  const doctor = program
    .command('doctor')
    .description('say which TF.js backend serves here and why not the others, and what else a server needs')
    .option('--data <directory>', 'data directory to look at (default: AISLEFLOW_DATA or .data)')
    .option('--json', 'print {healthy, backend, forcedBackend, backends, checks, versions}')
    .addHelpText('after', HELP);
  doctor.action(async ({ data, json }: DoctorOptions) => {
    const dataDirectory = data ?? (process.env['AISLEFLOW_DATA'] || '.data');
    const force = process.env['AISLEFLOW_TF_BACKEND'] ?? '';
    const diagnosis = await diagnose({ dataDirectory, force });
    const text = json === true ? JSON.stringify(diagnosis, null, 2) : formatDiagnosis(diagnosis);
    doctor.configureOutput().writeOut?.(`${text}\n`);
    process.exitCode = diagnosis.healthy ? 0 : 1;
  });
}

function formatDiagnosis(diagnosis: Diagnosis): string {
  const lines = diagnosis.backends.map(({ name, usable, detail }) => {
    const role = name === diagnosis.backend ? 'serves' : usable ? 'works' : 'fails';
    return line(role, `TF.js ${name}`, detail);
  });
  for (const { name, ok, detail } of diagnosis.checks) lines.push(line(ok ? 'ok' : 'fails', name, detail));
  const named = Object.entries(diagnosis.versions).map(([name, version]) => `${name} ${version}`);
  lines.push(line('', 'Versions', named.join(', ')), '', conclusion(diagnosis));
  return lines.join('\n');
}

function line(role: string, name: string, detail: string): string {
  return `${role.padEnd(7)} ${name.padEnd(17)} ${detail}`;
}

function conclusion({ healthy, backend, forcedBackend, backends }: Diagnosis): string {
  const isKnown = backends.some(({ name }) => name === forcedBackend);
  const known = isKnown ? '' : `, which is none of ${backends.map(({ name }) => name).join(', ')}`;
  const forced = forcedBackend === null ? '' : ` AISLEFLOW_TF_BACKEND asks for "${forcedBackend}"${known}.`;
  if (backend === null) return `No TF.js backend serves.${forced}`;
  if (!healthy) return 'A server would not start here: see what fails above.';
  const nativeFails = backends.some(({ name, usable }) => name === 'tensorflow' && !usable);
  // An installed program has no scripts.
  const canBuild = nativeFails && existsSync(packageFile(join('scripts', 'native.ts')));
  const advice = canBuild ? ' `npm run native` builds the native one.' : '';
  return `A server started here runs TF.js on ${backend}.${forced}${advice}`;
}
