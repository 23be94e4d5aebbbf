import { AppError } from '../domain/errors.js';
import { LIMITS } from '../domain/limits.js';
import { buildMultiBlock, countNodes } from './multiBlockBuilder.js';
import type { MultiBlockLayout } from './multiBlockLayout.js';
import type { WarehouseFile } from './warehouseFile.js';

export const MULTI_BLOCK_LAYOUT: MultiBlockLayout = {
  blockRows: 6,
  blockColumns: 3,
  aislesPerBlock: 16,
  facesPerAisle: 10,
  narrowAislesPerBlock: 2,
  stationsPerBlockColumn: 7,
  aislePitchMetres: 2.4,
  aisleSpeed: 0.8,
  narrowAisleSpeed: 0.6,
  crossAisleSpeed: 1.5,
  roadSpeed: 2,
  baySpeed: 0.8,
  pickHandlingSeconds: 4,
  stationHandlingSeconds: 5,
};

/** @throws E_LAYOUT_INVALID where a parameter makes no sense. */
export function generateMultiBlock(layout: MultiBlockLayout, id: string, name?: string): WarehouseFile {
  checkLayout(layout);
  return buildMultiBlock(layout, id, name);
}

const COUNTS = [
  'blockRows',
  'blockColumns',
  'aislesPerBlock',
  'facesPerAisle',
  'stationsPerBlockColumn',
] as const;

function checkLayout(layout: MultiBlockLayout): void {
  const refuse = (detail: string): never => {
    throw new AppError('E_LAYOUT_INVALID', { detail });
  };
  for (const name of COUNTS) {
    if (!Number.isInteger(layout[name]) || layout[name] < 1 || layout[name] > 500) {
      refuse(`${name} is ${layout[name]}; a whole number from 1 to 500 is needed`);
    }
  }
  const nodes = countNodes(layout);
  if (nodes > LIMITS.nodesPerWarehouse)
    refuse(`${nodes} nodes; at most ${LIMITS.nodesPerWarehouse} are allowed`);
  const { aislesPerBlock, narrowAislesPerBlock } = layout;
  if (
    !Number.isInteger(narrowAislesPerBlock) ||
    narrowAislesPerBlock < 0 ||
    narrowAislesPerBlock >= aislesPerBlock
  ) {
    refuse(`narrowAislesPerBlock is ${narrowAislesPerBlock}; a whole number below aislesPerBlock is needed`);
  }
  if (!(layout.aislePitchMetres >= 1.2 && layout.aislePitchMetres <= 20)) {
    refuse(`aislePitchMetres is ${layout.aislePitchMetres}; 1.2 (a hauler's length) to 20 is needed`);
  }
  for (const [name, value] of Object.entries(layout) as [string, number][]) {
    if (name.endsWith('Speed') && !(value >= LIMITS.speedLeast && value <= 50))
      refuse(`${name} is ${value}; ${LIMITS.speedLeast} to 50 m/s is needed`);
    if (name.endsWith('Seconds') && !(value >= 0 && value <= 3600))
      refuse(`${name} is ${value}; 0 to 3600 s is needed`);
  }
  const bayPitch = (aislesPerBlock * layout.aislePitchMetres) / layout.stationsPerBlockColumn;
  if (bayPitch < 4.4) {
    refuse(`stationsPerBlockColumn leaves ${bayPitch.toFixed(1)} m a bay; 4.4 m is needed`);
  }
}
