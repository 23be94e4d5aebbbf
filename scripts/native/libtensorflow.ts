import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { readdir, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { makeDirectory } from './prerequisites.js';
import { runCommand } from './shell.js';

/** The TensorFlow whose C API tfjs-node 4.22 is built against, within its minor version. */
export const TENSORFLOW_VERSION = '2.15.1';
/** Of tensorflow_cpu-2.15.1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl on PyPI. */
const WHEEL_SHA256 = '54660c074d7241a503e81edfd9f5ef5af88f64051b72e2945f26318c790f2d26';

/** The members of the wheel that are needed: two libraries, and the headers that c_api.h reaches. */
const WANTED = [
  'tensorflow/libtensorflow_cc.so.2',
  'tensorflow/libtensorflow_framework.so.2',
  'tensorflow/include/tensorflow/c/',
  'tensorflow/include/tensorflow/core/platform/',
  'tensorflow/include/tensorflow/tsl/',
  'tensorflow/include/tsl/',
  'tensorflow/include/xla/c/',
];

const UNZIP = `
import sys, zipfile
archive = zipfile.ZipFile(sys.argv[1])
wanted = tuple(sys.argv[3:])
archive.extractall(sys.argv[2], [name for name in archive.namelist() if name.startswith(wanted)])
`;

/**
 * Fills `directory` with `lib/` and `include/` as tfjs-node's binding.gyp expects them below `deps/`,
 * from PyPI's wheel: `libtensorflow_cc.so.2` exports the whole C API. Does nothing when it is there.
 */
export async function prepareLibrary(
  directory: string,
  options: { readonly wheel: string | undefined; readonly log: (line: string) => void },
): Promise<void> {
  if (existsSync(directory)) return options.log(`libtensorflow ${TENSORFLOW_VERSION} is in the cache`);
  const staging = `${directory}.${process.pid}`;
  try {
    await makeDirectory(staging);
    const wheel = options.wheel ?? (await downloadWheel(join(staging, 'wheel'), options.log));
    options.log('verifying the wheel');
    await verifyWheel(wheel);
    options.log('unpacking it');
    await runCommand('python3', ['-c', UNZIP, wheel, staging, ...WANTED]);
    const library = await makeDirectory(join(staging, 'library', 'lib'));
    for (const name of ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2']) {
      await rename(join(staging, 'tensorflow', name), join(library, name));
    }
    // The names that the linker is given; what it writes down are the names inside the libraries.
    await symlink('libtensorflow_cc.so.2', join(library, 'libtensorflow.so'));
    await symlink('libtensorflow_framework.so.2', join(library, 'libtensorflow_framework.so'));
    await rename(join(staging, 'tensorflow', 'include'), join(staging, 'library', 'include'));
    await rename(join(staging, 'library'), directory);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/** The tags are spelled out so that any pip on any Python fetches this very file. */
async function downloadWheel(directory: string, log: (line: string) => void): Promise<string> {
  log(`downloading tensorflow-cpu ${TENSORFLOW_VERSION} from the Python package index (207 MB)`);
  await makeDirectory(directory);
  const target = ['--python-version', '3.11', '--implementation', 'cp', '--platform', 'manylinux2014_x86_64'];
  await runCommand(
    'python3',
    [
      ...['-m', 'pip', 'download', '--disable-pip-version-check', '--no-deps', '--no-cache-dir'],
      ...['--only-binary=:all:', ...target, '--dest', directory, `tensorflow-cpu==${TENSORFLOW_VERSION}`],
    ],
    { showOutput: process.stdout.isTTY },
  );
  const [name] = await readdir(directory);
  if (name === undefined) throw new Error('pip downloaded nothing');
  return join(directory, name);
}

async function verifyWheel(file: string): Promise<void> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  const digest = hash.digest('hex');
  if (digest === WHEEL_SHA256) return;
  throw new Error(
    `${file} has sha256 ${digest}, not ${WHEEL_SHA256}: it is not the wheel that was tried. Not used`,
  );
}
