import type { CommanderError} from 'commander';
import { type Command } from 'commander';
import { AppError } from '../domain/errors.js';
import { compileFile, MapFaults } from '../warehouse/loadWarehouse.js';
import type { LaneGraph } from '../warehouse/laneGraph.js';
import { generateWarehouse, LAYOUTS } from '../warehouse/layouts.js';
import { DIALECTS, importMovingAi } from '../warehouse/movingAi.js';
import { validateWarehouse } from '../warehouse/validateWarehouse.js';
import { formatWarehouseFile, type WarehouseFile } from '../warehouse/warehouseFile.js';
import { freeFlowPath } from './freeFlowPath.js';
import { drawMap } from './mapDrawing.js';
import { dialectNamed, idFromFile, readMapContent, readMapFile, writeText } from './mapFiles.js';
import { drawPicture } from './mapPicture.js';
import { formatSummary, summarizeMap } from './mapSummary.js';

/** What a shell learns: all is well; the map (or the way asked for) has a fault; the command was wrong. */
const EXIT = { sound: 0, faulty: 1, misused: 2 } as const;
const FAULTY_CODES = new Set(['E_MAP_INVALID', 'E_UNREACHABLE']);
const DIALECT_HELP = `the file is a grid, drawn in this dialect: ${Object.keys(DIALECTS).join(', ')}`;
const EXIT_HELP =
  '\nExit code: 0 sound, 1 the map has faults or there is no way, 2 wrong use or unreadable file.';

interface Output {
  readonly say: (text: string) => void;
  readonly complain: (text: string) => void;
}

/** Adds `map validate|show|import|generate|path`. Sets `process.exitCode`; writes where the program's output is configured to go. */
export function addMapCommands(program: Command): void {
  const map = program.command('map').description('check, draw, import and generate warehouse maps');
  map.exitOverride(exitAsMisuse);
  const output: Output = {
    say: (text) => map.configureOutput().writeOut?.(`${text}\n`),
    complain: (text) => map.configureOutput().writeErr?.(`${text}\n`),
  };
  addValidate(map, output);
  addShow(map, output);
  addImport(map, output);
  addGenerate(map, output);
  addPath(map, output);
}

/** Commander leaves with 1 for a wrong option; here 1 says that a map has faults. */
function exitAsMisuse(error: CommanderError): never {
  process.exit(error.exitCode === 0 ? EXIT.sound : EXIT.misused);
}

/** Errors of the catalogue become one line with their code; anything else is a defect and keeps its stack. */
function guarded<Arguments extends unknown[]>(output: Output, action: (...args: Arguments) => void) {
  return (...args: Arguments): void => {
    try {
      action(...args);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      output.complain(`${error.code}: ${error.message}`);
      if (error.cause instanceof MapFaults) {
        for (const { code, where, detail } of error.cause.faults.slice(0, 20))
          output.complain(`  ${code}  ${where}  ${detail}`);
      }
      process.exitCode = FAULTY_CODES.has(error.code) ? EXIT.faulty : EXIT.misused;
    }
  };
}

const asJson = (value: unknown): string => JSON.stringify(value, null, 2);

function load(file: string, dialect?: string): { graph: LaneGraph; title: string } {
  const content = readMapContent(file, dialect) as WarehouseFile;
  const graph = compileFile(content);
  return { graph, title: content.name ?? content.id };
}

function addValidate(map: Command, output: Output): void {
  map
    .command('validate')
    .description('name every fault of a map')
    .argument('<file>', 'map file')
    .option('--dialect <name>', DIALECT_HELP)
    .option('--json', 'print {file, sound, faults}')
    .addHelpText(
      'after',
      `${EXIT_HELP}\n\nExamples:\n  aisleflow map validate maps/multi-block.json\n  aisleflow map validate hall.map --dialect lorr --json`,
    )
    .action(
      guarded(output, (file: string, options: { dialect?: string; json?: true }) => {
        const content = readMapContent(file, options.dialect);
        const faults = validateWarehouse(content);
        if (faults.length > 0) process.exitCode = EXIT.faulty;
        if (options.json) {
          output.say(asJson({ file, sound: faults.length === 0, faults }));
        } else if (faults.length === 0) {
          const summary = summarizeMap(compileFile(content as WarehouseFile));
          output.say(
            `${file} is sound: ${summary.nodes} nodes, ${summary.lanes} lanes, ${summary.stations} stations, ${summary.pickFaces} pick faces.`,
          );
        } else {
          output.complain(
            `E_MAP_INVALID: ${file} has ${faults.length} ${faults.length === 1 ? 'fault' : 'faults'}.`,
          );
          for (const fault of faults) output.say(`${fault.code}  ${fault.where}  ${fault.detail}`);
        }
      }),
    );
}

function addShow(map: Command, output: Output): void {
  map
    .command('show')
    .description('draw a map and sum it up')
    .argument('<file>', 'map file')
    .option('--dialect <name>', DIALECT_HELP)
    .option('--svg <file>', 'write a picture there')
    .option('--width <columns>', 'characters to draw in', '160')
    .option('--json', 'print the summary only, as JSON')
    .addHelpText(
      'after',
      `${EXIT_HELP}\n\nLetters: W station, E pick face, . floor, @ no floor.\n\nExamples:\n  aisleflow map show maps/kiva-33x36.json\n  aisleflow map show maps/multi-block.json --svg site.svg`,
    )
    .action(
      guarded(
        output,
        (file: string, options: { dialect?: string; svg?: string; width: string; json?: true }) => {
          const columns = Number(options.width);
          if (!Number.isInteger(columns) || columns < 20 || columns > 2_000) {
            throw new AppError('E_USAGE', {
              detail: `--width ${options.width}: a whole number from 20 to 2000 is needed`,
            });
          }
          const { graph, title } = load(file, options.dialect);
          if (options.svg !== undefined) writeText(options.svg, drawPicture(graph, title));
          const summary = summarizeMap(graph);
          if (options.json) {
            output.say(asJson(summary));
            return;
          }
          const drawing = drawMap(graph, columns);
          const scale = drawing.exact
            ? ''
            : `  (overview: a column is ${drawing.metresPerColumn.toFixed(1)} m)`;
          output.say(`${title}${scale}\n\n${drawing.rows.join('\n')}\n\n${formatSummary(summary)}`);
          if (options.svg !== undefined) output.say(`Picture: ${options.svg}`);
        },
      ),
    );
}

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

function addImport(map: Command, output: Output): void {
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

function addGenerate(map: Command, output: Output): void {
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
  const summary = summarizeMap(compileFile(file));
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

function addPath(map: Command, output: Output): void {
  map
    .command('path')
    .description('the quickest way between two nodes with nobody around')
    .argument('<file>', 'map file')
    .argument('<from>', 'node id')
    .argument('<to>', 'node id')
    .option('--type <robotType>', "robot type; else the map's first")
    .option('--dialect <name>', DIALECT_HELP)
    .option('--json', 'print nodes, metres and seconds as JSON')
    .addHelpText(
      'after',
      `${EXIT_HELP}\n\nExamples:\n  aisleflow map path maps/kiva-33x36.json r1c0 r31c20\n  aisleflow map path maps/multi-block.json S00 B0.A40.P05 --type hauler --json`,
    )
    .action(
      guarded(
        output,
        (
          file: string,
          from: string,
          to: string,
          options: { type?: string; dialect?: string; json?: true },
        ) => {
          const { graph } = load(file, options.dialect);
          printPath(output, graph, { from, to, type: options.type, json: options.json === true });
        },
      ),
    );
}

function printPath(
  output: Output,
  graph: LaneGraph,
  request: { from: string; to: string; type: string | undefined; json: boolean },
): void {
  const { warehouseId } = graph;
  const typeName = request.type ?? graph.robotTypes[0]?.name ?? '';
  const robotType = graph.robotTypeIndexOf.get(typeName);
  if (robotType === undefined) {
    const known = graph.robotTypes.map((type) => type.name).join(', ');
    throw new AppError('E_UNKNOWN_ROBOT_TYPE', { robotType: typeName, warehouseId, known });
  }
  const nodeNamed = (nodeId: string): number => {
    const node = graph.nodeIndexOf.get(nodeId);
    if (node === undefined) throw new AppError('E_UNKNOWN_NODE', { nodeId, warehouseId });
    return node;
  };
  const path = freeFlowPath(graph, { robotType, from: nodeNamed(request.from), to: nodeNamed(request.to) });
  if (!path) throw new AppError('E_UNREACHABLE', { from: request.from, to: request.to });
  const nodes = path.nodes.map((node) => graph.nodeIds[node] as string);
  const { lengthMetres, driveSeconds, turnSeconds, startSeconds } = path;
  const seconds = driveSeconds + turnSeconds + startSeconds;
  if (request.json) {
    output.say(
      asJson({ robotType: typeName, nodes, lengthMetres, seconds, driveSeconds, turnSeconds, startSeconds }),
    );
    return;
  }
  output.say(nodes.join(' '));
  output.say(
    `${typeName}: ${lengthMetres.toFixed(1)} m, ${seconds.toFixed(1)} s (driving ${driveSeconds.toFixed(1)}, turning ${turnSeconds.toFixed(1)}, starting ${startSeconds.toFixed(1)}), ${path.lanes.length} lanes.`,
  );
}
