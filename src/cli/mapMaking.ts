import type { Command } from 'commander';
import { AppError } from '../domain/errors.js';
import { compileFile } from '../warehouse/loadWarehouse.js';
import { generateWarehouse, LAYOUTS } from '../warehouse/layouts.js';
import { DIALECTS, importMovingAi } from '../warehouse/movingAi.js';
import { formatWarehouseFile, type WarehouseFile } from '../warehouse/warehouseFile.js';
import { dialectNamed, idFromFile, readMapFile, writeText } from './mapFiles.js';
import { asJson, EXIT_HELP, guarded, type Output } from './mapShell.js';
import { summarizeMap } from './mapSummary.js';

interface ImportCommandOptions {
  readonly dialect: string;
  readonly id?: string;
  readonly mapVersion: string;
  readonly name?: string;
  readonly station: string[];
  readonly pickFace: string[];
  readonly output?: string;
  readonly json?: true;
}

export function addImport(map: Command, output: Output): void {
  const collect = (value: string, before: string[]): string[] => [...before, ...value.split(',')];
  map
    .command('import')
    .description('turn a MovingAI-style grid (.map, or JSON with a layout) into a map file')
    .argument('<file>', 'grid file')
    .requiredOption('--dialect <name>', `what its letters mean: ${Object.keys(DIALECTS).join(', ')}`)
    .option('--id <id>', "warehouse id; else the file's name")
    .option('--map-version <version>', 'version of the map', '1')
    .option('--name <text>', 'title')
    .option('--station <nodes>', 'more stations, such as r0c5,r0c7', collect, [])
    .option('--pick-face <nodes>', 'more pick faces', collect, [])
    .option('-o, --output <file>', 'write there instead of to the terminal')
    .option('--json', 'print what was written, as JSON')
    .addHelpText(
      'after',
      `${EXIT_HELP}\n\nNodes are named r<row>c<column>, from 0. The dialect movingai marks nothing: name stations and pick faces.\n\nExamples:\n  aisleflow map import hall.map --dialect kiva -o hall.json\n  aisleflow map import den.map --dialect movingai --station r1c1 --pick-face r9c4,r9c5 -o den.json`,
    )
    .action(
      guarded(output, (file: string, options: ImportCommandOptions) => {
        const imported = importMovingAi(readMapFile(file), {
          dialect: dialectNamed(options.dialect),
          id: options.id ?? idFromFile(file),
          mapVersion: options.mapVersion,
          source: file,
          ...(options.name === undefined ? {} : { name: options.name }),
        });
        imported.stations.push(...options.station);
        imported.pickFaces.push(...options.pickFace);
        deliver(output, imported, options);
      }),
    );
}

export function addGenerate(map: Command, output: Output): void {
  const collect = (value: string, before: Record<string, string>): Record<string, string> => {
    const [name = '', ...rest] = value.split('=');
    return { ...before, [name]: rest.join('=') };
  };
  map
    .command('generate')
    .description('make a map: one of the shipped ones, or a variant with other parameters')
    .argument('[layout]', Object.keys(LAYOUTS).join(', '))
    .option('--set <parameter=value>', 'change a parameter; may be repeated', collect, {})
    .option('--id <id>', 'warehouse id; else the name of the layout')
    .option('-o, --output <file>', 'write there instead of to the terminal')
    .option('--list', 'print all layouts and their parameters')
    .option('--json', 'print what was written, or the list, as JSON')
    .addHelpText(
      'after',
      `${EXIT_HELP}\n\nExamples:\n  aisleflow map generate --list\n  aisleflow map generate kiva-33x36 --set shelfRows=20 --set shelfColumns=6 --id big -o big.json\n  aisleflow map generate multi-block --set blockColumns=5 -o site.json`,
    )
    .action(
      guarded(
        output,
        (
          layout: string | undefined,
          options: { set: Record<string, string>; id?: string; output?: string; list?: true; json?: true },
        ) => {
          if (options.list) {
            output.say(options.json ? asJson(LAYOUTS) : formatLayouts());
            return;
          }
          if (layout === undefined)
            throw new AppError('E_USAGE', { detail: 'name a layout, or --list them' });
          const { set, id } = options;
          deliver(output, generateWarehouse(layout, { set, ...(id === undefined ? {} : { id }) }), options);
        },
      ),
    );
}

function formatLayouts(): string {
  return Object.entries(LAYOUTS)
    .map(([name, layout]) => {
      const lines = Object.entries(layout).map(
        ([parameter, value]) => `  ${parameter.padEnd(24)} ${String(value)}`,
      );
      return `${name}\n${lines.join('\n')}`;
    })
    .join('\n\n');
}

/** A checked map, to a file or to the terminal. A faulty one is not written. */
function deliver(
  output: Output,
  file: WarehouseFile,
  options: { readonly output?: string; readonly json?: true },
): void {
  const summary = summarizeMap(compileFile(file, file.id));
  if (options.output === undefined) {
    output.say(formatWarehouseFile(file).trimEnd());
    return;
  }
  writeText(options.output, formatWarehouseFile(file));
  const { nodes, lanes, stations, pickFaces } = summary;
  output.say(
    options.json
      ? asJson({ file: options.output, ...summary })
      : `${options.output}: ${nodes} nodes, ${lanes} lanes, ${stations} stations, ${pickFaces} pick faces.`,
  );
}
