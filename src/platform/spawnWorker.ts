import { Worker } from 'node:worker_threads';

/**
 * Starts a module as a worker thread, compiled or not.
 *
 * A `.ts` url (tsx, vitest) is loaded through tsx's own hook from inside the worker: handing the
 * file to `Worker`, or `execArgv: ['--import', 'tsx']`, fails on Node 20 with "Unknown file extension".
 * `workerData` is what the module reads from `node:worker_threads`; the url of a module beside
 * the caller comes from {@link siblingModule}. A worker that outgrows its heap ends with an `error`.
 */
export function spawnWorker(url: URL, workerData: unknown, heapMebibytes?: number): Worker {
  const resourceLimits = heapMebibytes === undefined ? {} : { maxOldGenerationSizeMb: heapMebibytes };
  if (!url.pathname.endsWith('.ts')) return new Worker(url, { workerData, resourceLimits });
  const target = JSON.stringify(url.href);
  return new Worker(
    `import('tsx/esm/api').then(({ register }) => { register(); return import(${target}); })`,
    {
      eval: true,
      workerData,
      resourceLimits,
    },
  );
}

/** The url of a module beside the caller, with the caller's own extension: `.ts` in development, `.js` when built. */
export function siblingModule(importMetaUrl: string, name: string): URL {
  const extension = importMetaUrl.split('?', 1)[0]?.endsWith('.ts') === true ? '.ts' : '.js';
  return new URL(`./${name}${extension}`, importMetaUrl);
}
