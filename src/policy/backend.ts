import { createRequire } from 'node:module';
import { dirname, sep } from 'node:path';
import util from 'node:util';
import type * as tensorFlow from '@tensorflow/tfjs';
import type * as wasmBackend from '@tensorflow/tfjs-backend-wasm';
import { AppError } from '../domain/errors.js';

/** TF.js as this thread uses it: every tensor in `policy` and `learning` is made through this object. */
export type TensorFlow = typeof tensorFlow;

/** In the order of preference: native first, then WebAssembly, then plain JavaScript. */
export const BACKEND_NAMES = ['tensorflow', 'wasm', 'cpu'] as const;
export type BackendName = (typeof BACKEND_NAMES)[number];

export interface BackendReport {
  readonly name: BackendName;
  readonly usable: boolean;
  /** Its version where it is usable, the reason where it is not. */
  readonly detail: string;
}

export interface TensorBackend {
  readonly tf: TensorFlow;
  readonly name: BackendName;
  /** What was tried, in order; the last entry is the one that serves. */
  readonly report: readonly BackendReport[];
}

export interface BackendOptions {
  /** The only backend to try: the value of `AISLEFLOW_TF_BACKEND`, read by the caller. Empty means any. */
  readonly force?: string | undefined;
}

/** Outputs of the smoke test's network before and after one Adam step, computed by hand below. */
const SMOKE_BEFORE = Math.log1p(Math.exp(1.5));
const SMOKE_AFTER = Math.log1p(Math.exp(0.72));
const SMOKE_TOLERANCE = 1e-3;

let selected: { readonly force: string; readonly backend: Promise<TensorBackend> } | undefined;

/**
 * The best TF.js backend that works here, loaded once a thread.
 *
 * TF.js has one global engine in each thread, so a second call with another `force` switches
 * everything in the thread to that backend (tests and `aisleflow doctor` do; a server does not).
 *
 * @throws AppError E_BACKEND when no backend, or not the forced one, passes its smoke test.
 */
export function selectBackend(options: BackendOptions = {}): Promise<TensorBackend> {
  const force = options.force ?? '';
  if (selected?.force === force) return selected.backend;
  const choice = { force, backend: chooseBackend(force) };
  selected = choice;
  choice.backend.catch(() => {
    if (selected === choice) selected = undefined;
  });
  return choice.backend;
}

async function chooseBackend(force: string): Promise<TensorBackend> {
  const tf = await loadTensorFlow();
  const report: BackendReport[] = [];
  for (const name of candidates(force)) {
    try {
      const detail = await startBackend(tf, name);
      await smokeTest(tf);
      report.push({ name, usable: true, detail });
      return { tf, name, report };
    } catch (error) {
      report.push({ name, usable: false, detail: reason(error) });
    }
  }
  const detail = report.map((tried) => `${tried.name}: ${tried.detail}`).join('; ');
  throw new AppError('E_BACKEND', { detail });
}

function candidates(force: string): readonly BackendName[] {
  if (force === '') return BACKEND_NAMES;
  const forced = BACKEND_NAMES.find((name) => name === force);
  if (forced !== undefined) return [forced];
  throw new AppError('E_BACKEND', { detail: `"${force}" is not one of ${BACKEND_NAMES.join(', ')}` });
}

async function loadTensorFlow(): Promise<TensorFlow> {
  const tf = commonJsExports<TensorFlow>(await import('@tensorflow/tfjs'));
  // Production mode silences its hints on the console ("install our node backend", "platform already set").
  tf.enableProdMode();
  return tf;
}

/** Loads and selects a backend; answers its version. */
async function startBackend(tf: TensorFlow, name: BackendName): Promise<string> {
  const detail = await loadBackend(tf, name);
  if (!(await tf.setBackend(name))) throw new Error('TF.js could not start it');
  await tf.ready();
  return detail;
}

async function loadBackend(tf: TensorFlow, name: BackendName): Promise<string> {
  switch (name) {
    case 'tensorflow':
      return loadNative();
    case 'wasm':
      return loadWasm();
    case 'cpu':
      return `tfjs-backend-cpu ${tf.version_core}`;
  }
}

interface TfjsNode {
  readonly version: { readonly 'tfjs-node': string };
  /** Importing the package makes it. */
  findBackend(name: 'tensorflow'): { readonly binding: { readonly TF_Version: string } };
}

async function loadNative(): Promise<string> {
  silenceNativeLibrary();
  // Gone in Node 23, and tfjs-node 4.22 calls it in every second operation.
  if (!('isNullOrUndefined' in util)) {
    Object.defineProperty(util, 'isNullOrUndefined', {
      value: (value: unknown) => value === null || value === undefined,
    });
  }
  // Optional dependency: the name is not written in the import, or the compiler would demand its types.
  const packageName = '@tensorflow/tfjs-node';
  const native = commonJsExports<TfjsNode>((await import(packageName)) as object);
  const libraryVersion = native.findBackend('tensorflow').binding.TF_Version;
  return `tfjs-node ${native.version['tfjs-node']}, libtensorflow ${libraryVersion}`;
}

/**
 * Keeps libtensorflow from writing to stderr when it is loaded. Call it on the main thread before a worker
 * that trains is started: a worker's `process.env` is a copy, which native code does not see.
 */
export function silenceNativeLibrary(): void {
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '3';
}

async function loadWasm(): Promise<string> {
  const packageName = '@tensorflow/tfjs-backend-wasm';
  const wasm = commonJsExports<typeof wasmBackend>((await import(packageName)) as object);
  const main = createRequire(import.meta.url).resolve(packageName);
  wasm.setWasmPaths(dirname(main) + sep);
  return `tfjs-backend-wasm ${wasm.version_wasm}`;
}

/** Node finds only some of the names of these CommonJS packages; `default` is the whole of their exports. */
function commonJsExports<Module>(namespace: object): Module {
  return ('default' in namespace ? namespace.default : namespace) as Module;
}

/**
 * One forward pass and one Adam step on a small network, held to the figures worked out by hand: a
 * backend that loads may still throw in its operations (tfjs-node on Node 23) or answer nonsense.
 *
 * Input [1, 2], four hidden units of weight 0.5 (relu: 1.5 each), one output of weight 0.25: softplus(1.5).
 * Adam's first step moves each weight by its learning rate 0.1 against the gradient's sign: 0.4 and
 * 0.15, hidden 1.2 each, softplus(0.72).
 */
async function smokeTest(tf: TensorFlow): Promise<void> {
  const dense = (units: number, value: number, activation: 'relu' | 'softplus') =>
    tf.layers.dense({
      units,
      activation,
      useBias: false,
      kernelInitializer: tf.initializers.constant({ value }),
    });
  const input = tf.input({ shape: [2] });
  const output = dense(1, 0.25, 'softplus').apply(dense(4, 0.5, 'relu').apply(input)) as ReturnType<
    typeof tf.input
  >;
  const model = tf.model({ inputs: input, outputs: output });
  const optimizer = tf.train.adam(0.1);
  const row = tf.tensor2d([[1, 2]]);
  const target = tf.tensor2d([[0]]);
  try {
    const predict = () => tf.tidy(() => (model.predictOnBatch(row) as typeof row).dataSync()[0] ?? NaN);
    const before = predict();
    optimizer.minimize(() => tf.losses.huberLoss(target, model.apply(row) as typeof row).asScalar());
    expectNear('forward pass', before, SMOKE_BEFORE);
    expectNear('Adam step', predict(), SMOKE_AFTER);
  } finally {
    tf.dispose([row, target]);
    optimizer.dispose();
    model.dispose();
  }
}

function expectNear(what: string, got: number, expected: number): void {
  if (Math.abs(got - expected) < SMOKE_TOLERANCE) return;
  throw new Error(`the smoke test's ${what} gave ${got}, not ${expected.toFixed(4)}`);
}

function reason(error: unknown): string {
  if (error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND') {
    return 'the package is not installed';
  }
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n', 1)[0] ?? text;
}
