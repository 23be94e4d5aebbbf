import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { changeCharts } from './changeCharts.js';
import { describeChange } from './changeReport.js';
import { loadCharts, type Chart } from './charts.js';
import { describeImprovement, improvementCharts } from './improvementReport.js';
import { describeLoop, type LoopCell } from './loopReport.js';
import { describeQuality, qualityCharts } from './qualityReport.js';
import { describeTours, tourCharts } from './toursReport.js';
import type { ReportInput } from './reportParts.js';
import type { SuiteName } from './runs.js';
import { describeWeights, weightsCharts } from './weightsReport.js';

/** Goals a step that the loop's targets ask of learned-cold. */
const LOOP_CELLS: readonly LoopCell[] = [
  { cell: 'kiva-33x36@400', wantedFirst: 7.5, wantedLast: 8.0 },
  { cell: 'narrow-33x57@400', wantedFirst: 7.8, wantedLast: 8.4 },
  { cell: 'narrow-33x57@600', wantedFirst: 7.4, wantedLast: 8.8 },
  { cell: 'sortation-33x57@800', wantedFirst: 15.0, wantedLast: 16.7 },
  { cell: 'multi-block@200', wantedFirst: null, wantedLast: null },
];

/** Writes a suite's table and charts; returns the files. */
export async function writeReport(
  suite: SuiteName,
  { directory, ...input }: ReportInput & { readonly directory: string },
): Promise<string[]> {
  const { file, text, charts } = describe(suite, input);
  const target = join(directory, file);
  writeFileSync(target, text);
  const draw = await loadCharts();
  return [target, ...(await draw(charts, directory))];
}

function describe(
  suite: SuiteName,
  input: ReportInput,
): { readonly file: string; readonly text: string; readonly charts: readonly Chart[] } {
  switch (suite) {
    case 'loop':
      return { file: 'loop.md', text: describeLoop(LOOP_CELLS, input.lines), charts: [] };
    case 'quality':
    case 'full': {
      const charts = qualityCharts(input);
      return { file: 'quality.md', text: describeQuality(input, charts), charts };
    }
    case 'change': {
      const charts = changeCharts(input);
      return { file: 'change.md', text: describeChange(input, charts), charts };
    }
    case 'improvement': {
      const charts = improvementCharts(input);
      return { file: 'improvement.md', text: describeImprovement(input, charts), charts };
    }
    case 'weights': {
      const charts = weightsCharts(input);
      return { file: 'weights.md', text: describeWeights(input, charts), charts };
    }
    case 'tours': {
      const charts = tourCharts(input);
      return { file: 'tours.md', text: describeTours(input, charts), charts };
    }
  }
}
