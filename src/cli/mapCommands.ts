import type { Command } from 'commander';
import { AppError } from '../domain/errors.js';
import { MAP_HELP } from '../platform/mapHelp.js';
import { compileFile } from '../warehouse/loadWarehouse.js';
import type { LaneGraph } from '../warehouse/laneGraph.js';
import { faultCount } from '../warehouse/mapFault.js';
import { validateWarehouse } from '../warehouse/validateWarehouse.js';
import type { WarehouseFile } from '../warehouse/warehouseFile.js';
import { freeFlowPath } from './freeFlowPath.js';
import { drawMap } from './mapDrawing.js';
import { readMapContent, writeText } from './mapFiles.js';
import { addGenerate, addImport } from './mapMaking.js';
import { drawPicture } from './mapPicture.js';
import { asJson, DIALECT_HELP, EXIT, EXIT_HELP, guarded, loadMap, type Output } from './mapShell.js';
import { formatSummary, summarizeMap } from './mapSummary.js';
import { terminalColumns } from './tables.js';

const DRAWN_COLUMNS = { least: 20, elsewhere: 160, most: 2000 } as const;

/** Adds `map validate|show|import|generate|path`. Sets `process.exitCode`; writes where the program's output is configured to go. */
export function addMapCommands(program: Command): void {
  const map = program.command('map').description('check, draw, import and generate warehouse maps');
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

function addValidate(map: Command, output: Output): void {
  map
    .command('validate')
    .description('name every fault of a map')
    .argument('<map>', MAP_HELP)
    .option('--dialect <name>', DIALECT_HELP)
    .option('--json', 'print {file, sound, faults}')
    .addHelpText(
      'after',
      `${EXIT_HELP}\n\nExamples:\n  aisleflow map validate multi-block\n  aisleflow map validate hall.map --dialect lorr --json`,
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
          output.complain(`E_MAP_INVALID: ${file} has ${faultCount(faults)}.`);
          for (const fault of faults) output.say(`${fault.code}  ${fault.where}  ${fault.detail}`);
        }
      }),
    );
}

function addShow(map: Command, output: Output): void {
  map
    .command('show')
    .description('draw a map and sum it up')
    .argument('<map>', MAP_HELP)
    .option('--dialect <name>', DIALECT_HELP)
    .option('--svg <file>', 'write a picture there')
    .option('--width <columns>', "characters to draw in (default: the terminal's, 160 where there is none)")
    .option('--json', 'print the summary only, as JSON')
    .addHelpText(
      'after',
      `${EXIT_HELP}\n\nLetters: W station, E pick face, . floor, @ no floor.\n\nExamples:\n  aisleflow map show kiva-33x36\n  aisleflow map show multi-block --svg site.svg`,
    )
    .action(
      guarded(
        output,
        (file: string, options: { dialect?: string; svg?: string; width?: string; json?: true }) => {
          const columns = columnsOf(options.width);
          const { graph, title } = loadMap(file, options.dialect);
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

/** @throws E_USAGE */
function columnsOf(width: string | undefined): number {
  const { least, most } = DRAWN_COLUMNS;
  if (width === undefined)
    return Math.min(most, Math.max(least, terminalColumns() ?? DRAWN_COLUMNS.elsewhere));
  const columns = Number(width);
  if (Number.isInteger(columns) && columns >= least && columns <= most) return columns;
  throw new AppError('E_USAGE', {
    detail: `--width ${width}: a whole number from ${least} to ${most} is needed`,
  });
}

function addPath(map: Command, output: Output): void {
  map
    .command('path')
    .description('the quickest way between two nodes with nobody around')
    .argument('<map>', MAP_HELP)
    .argument('<from>', 'node id')
    .argument('<to>', 'node id')
    .option('--type <robotType>', "robot type; else the map's first")
    .option('--dialect <name>', DIALECT_HELP)
    .option('--json', 'print nodes, metres and seconds as JSON')
    .addHelpText(
      'after',
      `${EXIT_HELP}\n\nExamples:\n  aisleflow map path kiva-33x36 r1c0 r31c20\n  aisleflow map path multi-block S00 B0.A40.P05 --type hauler --json`,
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
          const { graph } = loadMap(file, options.dialect);
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
