/**
 * `npm run native`: makes TF.js's native backend work on a machine whose network has only package
 * mirrors, where tfjs-node's own install script cannot reach its download host and npm drops the package.
 * Everything is built outside node_modules and put there when it is whole; a second run takes seconds.
 */
import { existsSync } from 'node:fs';
import { copyFile, cp, link, mkdtemp, readdir, readlink, rename, rm, symlink } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { exitAsMisuse } from '../src/platform/exitAsMisuse.js';
import { prepareLibrary, TENSORFLOW_VERSION } from './native/libtensorflow.js';
import { fetchPackages, missingPackages, TFJS_NODE_PATH } from './native/nodePackages.js';
import { findMissing, findNodeHeaders, makeDirectory } from './native/prerequisites.js';
import { runCommand } from './native/shell.js';

const TFJS_NODE_VERSION = '4.22.0';
const NAPI_VERSION = '8';
const BINDING = `lib/napi-v${NAPI_VERSION}/tfjs_binding.node`;

interface NativeOptions {
  readonly cache: string;
  readonly nodedir?: string;
  readonly wheel?: string;
  readonly force?: boolean;
}

const startedAt = performance.now();
const log = (line: string) => {
  console.log(`[native ${((performance.now() - startedAt) / 1000).toFixed(1).padStart(5)} s] ${line}`);
};

async function main(options: NativeOptions): Promise<void> {
  if (options.force !== true && (await smokeTest()) === 'works') {
    return log('the native backend works already; --force builds it again');
  }
  const cache = resolve(options.cache);
  const missing = await findMissing(cache, options.wheel !== undefined);
  if (missing.length > 0) {
    for (const { what, remedy } of missing) console.error(`missing: ${what} (${remedy})`);
    console.error('Nothing was changed. Without the native backend TF.js runs on wasm.');
    process.exitCode = 1;
    return;
  }
  const library = join(await makeDirectory(cache), `libtensorflow-${TENSORFLOW_VERSION}-linux-x64`);
  await prepareLibrary(library, { wheel: options.wheel, log });
  const built = join(
    cache,
    `tfjs-node-${TFJS_NODE_VERSION}-${TENSORFLOW_VERSION}-abi${process.versions.modules}`,
  );
  if (options.force === true) await rm(built, { recursive: true, force: true });
  await buildPackages(built, library, options.nodedir);
  const absent = Object.keys(await missingPackages());
  try {
    await install(built, library, absent);
    log('smoke test: one forward pass and one Adam step');
    const outcome = await smokeTest();
    if (outcome !== 'works') throw new Error(outcome);
  } catch (error) {
    const added = [...absent, join(TFJS_NODE_PATH, 'deps'), join(TFJS_NODE_PATH, BINDING)];
    for (const path of added) await rm(path, { recursive: true, force: true });
    throw new Error('the native backend was built but does not work, so it was taken out again', {
      cause: error,
    });
  }
  log('the native backend works');
}

/** Leaves in `built` a tree of packages with the binding compiled. Does nothing when it is there. */
async function buildPackages(built: string, library: string, nodedir: string | undefined): Promise<void> {
  const packages = await missingPackages();
  const complete = Object.keys(packages).every((path) => existsSync(join(built, path, 'package.json')));
  if (existsSync(built) && complete) return log('tfjs-node is in the cache');
  const staging = await mkdtemp(`${built}.`);
  try {
    log(`fetching ${Object.keys(packages).length} npm packages that npm had dropped`);
    await fetchPackages(packages, staging);
    const packageDirectory = join(staging, TFJS_NODE_PATH);
    if (!existsSync(packageDirectory)) {
      const isOwn = (source: string) => !source.startsWith(join(TFJS_NODE_PATH, 'deps'));
      await cp(TFJS_NODE_PATH, packageDirectory, { recursive: true, filter: isOwn });
    }
    await symlink(library, join(packageDirectory, 'deps'));
    log('compiling the binding');
    await compileBinding(packageDirectory, nodedir);
    await rm(join(packageDirectory, 'build'), { recursive: true, force: true });
    await rm(join(packageDirectory, 'deps'));
    await rm(join(staging, 'archives'), { recursive: true, force: true });
    await rm(built, { recursive: true, force: true });
    await rename(staging, built);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function compileBinding(packageDirectory: string, nodedir: string | undefined): Promise<void> {
  const headers = findNodeHeaders(nodedir);
  const modulePath = join(packageDirectory, 'lib', `napi-v${NAPI_VERSION}`);
  await runCommand(
    process.execPath,
    [
      ...[resolve('node_modules/node-gyp/bin/node-gyp.js'), 'rebuild'],
      ...(headers === undefined ? [] : [`--nodedir=${headers}`]),
      ...[
        '--module_name=tfjs_binding',
        `--module_path=${modulePath}`,
        `--napi_build_version=${NAPI_VERSION}`,
      ],
    ],
    { cwd: packageDirectory },
  );
}

/** Puts the absent packages, the binding and the libraries into node_modules. */
async function install(built: string, library: string, absent: readonly string[]): Promise<void> {
  for (const path of absent) await cp(join(built, path), path, { recursive: true });
  await cp(join(built, TFJS_NODE_PATH, BINDING), join(TFJS_NODE_PATH, BINDING));
  log(`putting libtensorflow below ${TFJS_NODE_PATH}`);
  const target = await makeDirectory(join(TFJS_NODE_PATH, 'deps', 'lib'));
  for (const entry of await readdir(join(library, 'lib'), { withFileTypes: true })) {
    const from = join(library, 'lib', entry.name);
    const to = join(target, entry.name);
    await rm(to, { force: true });
    if (entry.isSymbolicLink()) await symlink(await readlink(from), to);
    else await linkOrCopy(from, to);
  }
}

/** 600 MB: a hard link where cache and project share a disk. */
async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch {
    await copyFile(from, to);
  }
}

/** In a process of its own: a library built for another processor ends it with a signal. */
async function smokeTest(): Promise<string> {
  if (!existsSync(join(TFJS_NODE_PATH, BINDING))) return 'it is not installed';
  const program = `import { selectBackend } from './src/policy/backend.ts';
    try { await selectBackend({ force: 'tensorflow' }); } catch (error) { console.error(error.message); process.exit(1); }`;
  try {
    await runCommand(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', program]);
    return 'works';
  } catch (error) {
    return (error as Error).message;
  }
}

const program = new Command('npm run native --')
  .exitOverride(exitAsMisuse)
  .description('Builds the native TF.js backend from the npm and PyPI mirrors (Linux x86-64).')
  .option('--cache <directory>', 'where libraries and the built package are kept', defaultCache())
  .option('--nodedir <directory>', "prefix of Node's headers; node-gyp fetches them where none are found")
  .option('--wheel <file>', `a tensorflow_cpu ${TENSORFLOW_VERSION} wheel for CPython 3.11, instead of pip`)
  .option('--force', 'build again although it works')
  .addHelpText('after', '\nExamples:\n  npm run native\n  npm run native -- --cache /var/cache/aisleflow')
  .action(async (options: NativeOptions) => {
    try {
      await main(options);
    } catch (error) {
      const { message, cause } = error as Error;
      console.error(`npm run native failed: ${message}`);
      if (cause instanceof Error) console.error(cause.message);
      process.exitCode = 1;
    }
  });

function defaultCache(): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'aisleflow', 'native');
}

process.chdir(resolve(import.meta.dirname, '..'));
await program.parseAsync();
