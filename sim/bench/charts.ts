import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TopLevelSpec } from 'vega-lite';
import { AppError } from '../../src/domain/errors.js';

/** A figure: its file, what it shows, and how, as Vega-Lite has it. */
export interface Chart {
  readonly title: string;
  readonly file: string;
  readonly spec: TopLevelSpec;
}

const PIXELS_PER_UNIT = 2;

/**
 * Loads what draws charts as PNG, without a browser; what it answers returns the files. An installed program serves
 * without these packages: they are no dependencies of it.
 * @throws E_USAGE where they are not installed
 */
export async function loadCharts(): Promise<
  (charts: readonly Chart[], directory: string) => Promise<string[]>
> {
  const [{ Resvg }, { parse, View }, { compile }] = await Promise.all([
    import('@resvg/resvg-js'),
    import('vega'),
    import('vega-lite'),
  ]).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    const detail =
      'charts are drawn by @resvg/resvg-js, vega and vega-lite, and not all are installed; `npm install` them beside this program';
    throw new AppError('E_USAGE', { detail }, error);
  });
  return async (charts, directory) => {
    const files: string[] = [];
    for (const { file, spec } of charts) {
      const view = new View(parse(compile(spec).spec), { renderer: 'none' });
      const svg = await view.toSVG();
      view.finalize();
      const png = new Resvg(svg, {
        fitTo: { mode: 'zoom', value: PIXELS_PER_UNIT },
        background: 'white',
        font: { loadSystemFonts: true, defaultFontFamily: 'DejaVu Sans' },
      }).render();
      files.push(join(directory, file));
      writeFileSync(join(directory, file), png.asPng());
    }
    return files;
  };
}
