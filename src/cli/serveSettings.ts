import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import envSchema from 'env-schema';
import { AppError } from '../domain/errors.js';
import { MODES, type Mode } from '../domain/messages.js';
import { BACKEND_NAMES } from '../policy/backend.js';
import { LOG_LEVELS, type LogLevel } from '../server/logging.js';
import { packageFile } from './packageFiles.js';

/** How `serve` runs: options first, then AISLEFLOW_* of the environment, then the defaults. */
export interface ServeSettings {
  readonly host: string;
  readonly port: number;
  readonly dataDirectory: string;
  readonly mapFiles: readonly string[];
  /** The mode of warehouses that the journal knows none of. */
  readonly mode: Mode;
  readonly policies: 'shared' | 'each';
  /** Who prices the traffic: the policy as the mode says, or planned flow by hand, to compare with. */
  readonly price: 'policy' | 'flow';
  /** Leaves out the policies that come with the program. */
  readonly cold: boolean;
  /** Inline: within each tick of a clock, so that a run in lockstep repeats itself. */
  readonly learner: 'thread' | 'inline';
  readonly drivenClock: boolean;
  /** How much of the journal is kept; Infinity for all. */
  readonly retention: { readonly days: number; readonly bytes: number };
  /** TF.js backend to insist on; empty for the best that works. */
  readonly backend: string;
  readonly logLevel: LogLevel;
  readonly allowedOrigins: readonly string[];
  /** PEM files; null: plain HTTP. */
  readonly tls: { readonly certFile: string; readonly keyFile: string } | null;
}

/** The options of the command line, as written there. */
export interface ServeOptions {
  readonly host?: string;
  readonly port?: string;
  readonly data?: string;
  readonly map?: readonly string[];
  readonly mode?: string;
  readonly policy?: string;
  readonly price?: string;
  readonly cold?: boolean;
  readonly learner?: string;
  readonly drivenClock?: boolean;
  readonly journalDays?: string;
  readonly journalGigabytes?: string;
  readonly tfBackend?: string;
  readonly logLevel?: string;
  readonly allowOrigin?: readonly string[];
  readonly tlsCert?: string;
  readonly tlsKey?: string;
}

interface Environment {
  readonly AISLEFLOW_HOST: string;
  readonly AISLEFLOW_PORT: number;
  readonly AISLEFLOW_DATA: string;
  readonly AISLEFLOW_MAPS: readonly string[];
  readonly AISLEFLOW_MODE: Mode;
  readonly AISLEFLOW_POLICY: 'shared' | 'each';
  readonly AISLEFLOW_PRICE: 'policy' | 'flow';
  readonly AISLEFLOW_COLD: boolean;
  readonly AISLEFLOW_LEARNER: 'thread' | 'inline';
  readonly AISLEFLOW_DRIVEN_CLOCK: boolean;
  readonly AISLEFLOW_JOURNAL_DAYS: number;
  readonly AISLEFLOW_JOURNAL_GIGABYTES: number;
  readonly AISLEFLOW_TF_BACKEND: string;
  readonly AISLEFLOW_LOG_LEVEL: LogLevel;
  readonly AISLEFLOW_ALLOWED_ORIGINS: readonly string[];
  readonly AISLEFLOW_TLS_CERT: string;
  readonly AISLEFLOW_TLS_KEY: string;
}

const list = { type: 'string', separator: ',', default: '' } as const;
const schema = () => ({
  type: 'object',
  properties: {
    AISLEFLOW_HOST: { type: 'string', minLength: 1, default: '127.0.0.1' },
    AISLEFLOW_PORT: { type: 'integer', minimum: 0, maximum: 65535, default: 8080 },
    AISLEFLOW_DATA: { type: 'string', minLength: 1, default: '.data' },
    AISLEFLOW_MAPS: list,
    AISLEFLOW_MODE: { type: 'string', enum: [...MODES], default: 'learn' },
    AISLEFLOW_POLICY: { type: 'string', enum: ['shared', 'each'], default: 'shared' },
    AISLEFLOW_PRICE: { type: 'string', enum: ['policy', 'flow'], default: 'policy' },
    AISLEFLOW_COLD: { type: 'boolean', default: false },
    AISLEFLOW_LEARNER: { type: 'string', enum: ['thread', 'inline'], default: 'thread' },
    AISLEFLOW_DRIVEN_CLOCK: { type: 'boolean', default: false },
    AISLEFLOW_JOURNAL_DAYS: { type: 'number', minimum: 0, default: 0 },
    AISLEFLOW_JOURNAL_GIGABYTES: { type: 'number', minimum: 0, default: 0 },
    AISLEFLOW_TF_BACKEND: { type: 'string', enum: ['', ...BACKEND_NAMES], default: '' },
    AISLEFLOW_LOG_LEVEL: { type: 'string', enum: [...LOG_LEVELS], default: 'info' },
    AISLEFLOW_ALLOWED_ORIGINS: list,
    AISLEFLOW_TLS_CERT: { type: 'string', default: '' },
    AISLEFLOW_TLS_KEY: { type: 'string', default: '' },
  },
});

/** @throws E_CONFIG naming the setting that is wrong and what it may be */
export function readSettings(options: ServeOptions, environment: NodeJS.ProcessEnv): ServeSettings {
  const given = {
    AISLEFLOW_HOST: options.host,
    AISLEFLOW_PORT: options.port,
    AISLEFLOW_DATA: options.data,
    AISLEFLOW_MAPS: options.map?.join(','),
    AISLEFLOW_MODE: options.mode,
    AISLEFLOW_POLICY: options.policy,
    AISLEFLOW_PRICE: options.price,
    AISLEFLOW_COLD: options.cold,
    AISLEFLOW_LEARNER: options.learner,
    AISLEFLOW_DRIVEN_CLOCK: options.drivenClock,
    AISLEFLOW_JOURNAL_DAYS: options.journalDays,
    AISLEFLOW_JOURNAL_GIGABYTES: options.journalGigabytes,
    AISLEFLOW_TF_BACKEND: options.tfBackend,
    AISLEFLOW_LOG_LEVEL: options.logLevel,
    AISLEFLOW_ALLOWED_ORIGINS: options.allowOrigin?.join(','),
    AISLEFLOW_TLS_CERT: options.tlsCert,
    AISLEFLOW_TLS_KEY: options.tlsKey,
  };
  const read = checked(known(environment), known(given));
  return {
    host: read.AISLEFLOW_HOST,
    port: read.AISLEFLOW_PORT,
    dataDirectory: resolve(read.AISLEFLOW_DATA),
    mapFiles: read.AISLEFLOW_MAPS.length > 0 ? read.AISLEFLOW_MAPS : shippedMaps(),
    mode: read.AISLEFLOW_MODE,
    policies: read.AISLEFLOW_POLICY,
    price: read.AISLEFLOW_PRICE,
    cold: read.AISLEFLOW_COLD,
    learner: read.AISLEFLOW_LEARNER,
    drivenClock: read.AISLEFLOW_DRIVEN_CLOCK,
    retention: {
      days: read.AISLEFLOW_JOURNAL_DAYS || Infinity,
      bytes: read.AISLEFLOW_JOURNAL_GIGABYTES * 1e9 || Infinity,
    },
    backend: read.AISLEFLOW_TF_BACKEND,
    logLevel: read.AISLEFLOW_LOG_LEVEL,
    allowedOrigins: read.AISLEFLOW_ALLOWED_ORIGINS.map(origin),
    tls: tlsFiles(read.AISLEFLOW_TLS_CERT, read.AISLEFLOW_TLS_KEY),
  };
}

/** As browsers write it, letter for letter: with another spelling none could connect. */
function origin(text: string): string {
  const found = URL.canParse(text) ? new URL(text).origin : 'null';
  // Pages of an app may have a scheme of its own, of which nothing more is known.
  if (found === 'null' ? /^[a-z][a-z\d+.-]*:\/\/[^/\s]+$/.test(text) : found === text) return text;
  const hint = found === 'null' ? 'one looks like https://host:port' : `is it ${found}?`;
  throw new AppError('E_CONFIG', { detail: `${text} is no origin of a page: ${hint}` });
}

function tlsFiles(certFile: string, keyFile: string): ServeSettings['tls'] {
  if ((certFile === '') !== (keyFile === '')) {
    throw new AppError('E_CONFIG', { detail: 'a TLS certificate and its key come together or not at all' });
  }
  return certFile === '' ? null : { certFile, keyFile };
}

function known(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(values).filter(([name, value]) => name.startsWith('AISLEFLOW_') && value !== undefined),
  );
}

function checked(environment: Record<string, unknown>, given: Record<string, unknown>): Environment {
  const data = { ...environment, ...given };
  try {
    return envSchema<Environment>({ schema: schema(), data, env: false });
  } catch (error) {
    const [first] =
      (error as { errors?: { instancePath: string; message: string; params: object }[] }).errors ?? [];
    if (first === undefined) throw error;
    const name = first.instancePath.slice(1);
    const allowed = (first.params as { allowedValues?: string[] }).allowedValues?.filter(
      (value) => value !== '',
    );
    const wanted = allowed === undefined ? first.message : `must be one of ${allowed.join(', ')}`;
    const called = name in given ? optionOf(name) : name;
    if (data[name] === '' && name === 'AISLEFLOW_DATA')
      throw new AppError(
        'E_CONFIG',
        { detail: `the name of the data directory is empty (${called})` },
        error,
      );
    throw new AppError('E_CONFIG', { detail: `${called} is ${String(data[name])}; it ${wanted}` }, error);
  }
}

/** AISLEFLOW_TF_BACKEND is --tf-backend; where the names differ, any value is right. */
function optionOf(name: string): string {
  return name.replace('AISLEFLOW_', '--').replaceAll('_', '-').toLowerCase();
}

function shippedMaps(): string[] {
  const directory = packageFile('maps');
  return readdirSync(directory)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => join(directory, name));
}
