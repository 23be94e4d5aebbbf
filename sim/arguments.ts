import { readFileSync } from 'node:fs';
import { InvalidArgumentError, Option } from 'commander';
import {
  COMPONENTS,
  DEFAULT_REWARD_WEIGHTS,
  isWeight,
  parseWeight,
  type RewardWeights,
} from '../src/domain/components.js';
import type { LaneGraph } from '../src/warehouse/laneGraph.js';
import { parseWarehouse } from '../src/warehouse/loadWarehouse.js';
import type { HandlingTimes } from './handling.js';

/** Parsers of command line arguments: each throws what commander shows with the option's name. */

export function numberArgument(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('It is not a number.');
  return value;
}
export function wholeArgument(text: string): number {
  const value = numberArgument(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError('It is not a whole number.');
  return value;
}
export function countArgument(text: string): number {
  const value = wholeArgument(text);
  if (value === 0) throw new InvalidArgumentError('It is not 1 or more.');
  return value;
}
export function positiveArgument(text: string): number {
  const value = numberArgument(text);
  if (!(value > 0)) throw new InvalidArgumentError('It is not above 0.');
  return value;
}
export function shareArgument(text: string): number {
  const value = numberArgument(text);
  if (!(value >= 0 && value < 1)) throw new InvalidArgumentError('It is not a share from 0 to below 1.');
  return value;
}
/** A map in the native format, by its file. */
export interface MapFile {
  readonly file: string;
  readonly graph: LaneGraph;
}
export function mapOption(standard: string): Option {
  return new Option('--map <file>', 'map file')
    .argParser(mapArgument)
    .default(mapArgument(standard), standard);
}
function mapArgument(file: string): MapFile {
  try {
    return { file, graph: parseWarehouse(readFileSync(file, 'utf8'), file).graph };
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
}
export function handlingArgument(text: string): HandlingTimes {
  const [least = '', most = least] = text.split('-');
  const times = { least: numberArgument(least), most: numberArgument(most) };
  if (!(times.least >= 0 && times.least <= times.most && times.most <= 3600))
    throw new InvalidArgumentError('Write 5 or 5-10, at most 3600.');
  return times;
}

/** `wait=2,lateness=0`: these, and the defaults for the others. */
export function rewardWeights(text: string): RewardWeights {
  const weights = { ...DEFAULT_REWARD_WEIGHTS };
  const named = new Set<string>();
  for (const pair of text === '' ? [] : text.split(',')) {
    const [component, weight] = parseWeight(pair) ?? [null, NaN];
    if (component === null || !isWeight(component, weight))
      throw new InvalidArgumentError(`Write ${COMPONENTS.join('=1,')}=1, some or all, from 0 to 100.`);
    if (named.has(component)) throw new InvalidArgumentError(`${component} is given twice.`);
    named.add(component);
    weights[component] = weight;
  }
  return weights;
}
