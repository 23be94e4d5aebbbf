import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Resvg } from '@resvg/resvg-js';
import { parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';

/** A figure: its file, what it shows, and how, as Vega-Lite has it. */
export interface Chart {
  readonly title: string;
  readonly file: string;
  readonly spec: TopLevelSpec;
}

const PIXELS_PER_UNIT = 2;

/** Draws the charts as PNG, without a browser; returns the files. */
export async function drawCharts(charts: readonly Chart[], directory: string): Promise<string[]> {
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
}
