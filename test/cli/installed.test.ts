import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runProgram } from './support/program.js';

const manifest = JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'package.json'), 'utf8')) as {
  devDependencies: Record<string, string>;
};

/** Node as an installed program finds it: the packages of the development are not there, nor these. */
function withoutDevelopment(...others: string[]): NodeJS.ProcessEnv {
  const names = JSON.stringify([...Object.keys(manifest.devDependencies), ...others]);
  const hook = `
    const names = ${names};
    export async function resolve(specifier, context, next) {
      if (names.some((name) => specifier === name || specifier.startsWith(name + '/')))
        throw Object.assign(new Error(specifier + ' is not installed'), { code: 'ERR_MODULE_NOT_FOUND' });
      return next(specifier, context);
    }`;
  const script = `import { register } from 'node:module'; register(${JSON.stringify(dataUrl(hook))});`;
  return { NODE_OPTIONS: `--import=${dataUrl(script)}` };
}

function dataUrl(script: string): string {
  return `data:text/javascript,${encodeURIComponent(script)}`;
}

it('starts where the packages of the development are not installed', async () => {
  const { code, out, err } = await runProgram(['--help'], withoutDevelopment());
  expect([code, err]).toEqual([0, '']);
  expect(out).toContain('aisleflow serve');
}, 60_000);

it('says before a run of the benchmark that its picture cannot be drawn here', async () => {
  const bench = 'bench --cell kiva-33x36@4 --method shortest --steps 5 --picture never.png';
  const { code, out, err } = await runProgram(bench.split(' '), withoutDevelopment());
  expect([code, out]).toEqual([2, '']);
  expect(err).toMatch(/^E_USAGE: .*vega.*\n$/);
}, 60_000);

it('advises no script of the checkout where there is none', async () => {
  const { code, out } = await runProgram(['doctor'], withoutDevelopment('@tensorflow/tfjs-node'));
  expect([code, out]).toEqual([0, expect.stringMatching(/^fails +TF\.js tensorflow +the package is not/m)]);
  expect(out).not.toContain('npm run');
}, 60_000);
