import { AppError } from '../domain/errors.js';
import { compileFile, MapFaults } from '../warehouse/loadWarehouse.js';
import type { LaneGraph } from '../warehouse/laneGraph.js';
import { DIALECTS } from '../warehouse/movingAi.js';
import type { WarehouseFile } from '../warehouse/warehouseFile.js';
import { readMapContent } from './mapFiles.js';

/** What a shell learns: all is well; the map (or the way asked for) has a fault; the command was wrong. */
export const EXIT = { sound: 0, faulty: 1, misused: 2 } as const;
const FAULTS_LISTED = 20;
const FAULTY_CODES = new Set(['E_MAP_INVALID', 'E_UNREACHABLE']);
export const DIALECT_HELP = `the file is a grid, drawn in this dialect: ${Object.keys(DIALECTS).join(', ')}`;
export const EXIT_HELP =
  '\nExit code: 0 sound, 1 the map has faults or there is no way, 2 wrong use or unreadable file.';

export interface Output {
  readonly say: (text: string) => void;
  readonly complain: (text: string) => void;
}

/** Errors of the catalogue become one line with their code; anything else is a defect and keeps its stack. */
export function guarded<Arguments extends unknown[]>(output: Output, action: (...args: Arguments) => void) {
  return (...args: Arguments): void => {
    try {
      action(...args);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      if (error.cause instanceof MapFaults) complainOfFaults(output, error, error.cause);
      else output.complain(`${error.code}: ${error.message}`);
      process.exitCode = FAULTY_CODES.has(error.code) ? EXIT.faulty : EXIT.misused;
    }
  };
}

/** What is listed here needs no other command to list it. */
function complainOfFaults({ complain }: Output, { code, references }: AppError, { faults }: MapFaults): void {
  complain(`${code}: The map ${references['file']} has ${references['count']}:`);
  for (const fault of faults.slice(0, FAULTS_LISTED))
    complain(`  ${fault.code}  ${fault.where}  ${fault.detail}`);
  const left = faults.length - FAULTS_LISTED;
  if (left > 0) complain(`  and ${left} more; of a map file \`aisleflow map validate\` lists all`);
}

export const asJson = (value: unknown): string => JSON.stringify(value, null, 2);

/** A map file, checked and compiled, and what to call it. @throws E_MAP_UNREADABLE, E_MAP_INVALID, E_USAGE */
export function loadMap(file: string, dialect?: string): { graph: LaneGraph; title: string } {
  const content = readMapContent(file, dialect) as WarehouseFile;
  const graph = compileFile(content, file);
  return { graph, title: content.name ?? content.id };
}
