import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { exitAsMisuse } from '../../src/platform/exitAsMisuse.js';
import { freeFlowPath, type FreeFlowPath } from '../../src/cli/freeFlowPath.js';
import { addMapCommands } from '../../src/cli/mapCommands.js';
import { loadMap } from '../../src/cli/mapShell.js';
import type { LaneGraph } from '../../src/warehouse/laneGraph.js';
import { generateWarehouse } from '../../src/warehouse/layouts.js';
import { compileFile, parseWarehouse } from '../../src/warehouse/loadWarehouse.js';
import { gridFromText } from '../../src/warehouse/movingAi.js';
import { formatWarehouseFile } from '../../src/warehouse/warehouseFile.js';

const folder = mkdtempSync(join(tmpdir(), 'aisleflow-map-'));
const kiva = join(folder, 'kiva.json');
const site = join(folder, 'site.json');
writeFileSync(kiva, formatWarehouseFile(generateWarehouse('kiva-33x36')));
writeFileSync(site, formatWarehouseFile(generateWarehouse('multi-block')));

afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => void (process.exitCode = undefined));

interface Run {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

function aisleflow(...words: string[]): Run {
  const program = new Command('aisleflow').exitOverride(exitAsMisuse);
  let out = '';
  let err = '';
  program.configureOutput({ writeOut: (text) => (out += text), writeErr: (text) => (err += text) });
  addMapCommands(program);
  const exit = vi.spyOn(process, 'exit').mockImplementation((code) => {
    throw new ExitCalled(Number(code));
  });
  try {
    process.exitCode = undefined;
    program.parse(['map', ...words], { from: 'user' });
    return { exitCode: Number(process.exitCode ?? 0), out, err };
  } catch (error) {
    if (!(error instanceof ExitCalled)) throw error;
    return { exitCode: error.exitCode, out, err };
  } finally {
    exit.mockRestore();
  }
}

class ExitCalled extends Error {
  constructor(readonly exitCode: number) {
    super('exit');
  }
}

function written(name: string, content: string | Uint8Array): string {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
}

describe('map validate', () => {
  it('calls a sound map sound', () => {
    const run = aisleflow('validate', site);
    expect(run).toMatchObject({ exitCode: 0, err: '' });
    expect(run.out).toContain('3393 nodes');
    expect(JSON.parse(aisleflow('validate', kiva, '--json').out)).toEqual({
      file: kiva,
      sound: true,
      faults: [],
    });
  });

  it('names every fault, with exit code 1', () => {
    const file = generateWarehouse('kiva-33x36');
    file.lanes.push({ from: 'r0c0', to: 'nowhere' }, { from: 'r0c0', to: 'r0c1', lengthMetres: -1 });
    const faulty = written('faulty.json', formatWarehouseFile(file));
    const run = aisleflow('validate', faulty);
    expect(run.exitCode).toBe(1);
    expect(run.err).toContain('E_MAP_INVALID');
    for (const code of ['unknown-node', 'duplicate-lane', 'length-invalid']) expect(run.out).toContain(code);
    const json = JSON.parse(aisleflow('validate', faulty, '--json').out) as {
      sound: boolean;
      faults: unknown[];
    };
    expect(json).toMatchObject({ sound: false });
    expect(json.faults).toHaveLength(run.out.trimEnd().split('\n').length);
  });
});

describe('a refused map', () => {
  it('is named with its faults, and where all are listed with no command that lists them', () => {
    const file = generateWarehouse('kiva-33x36');
    file.lanes.push({ from: 'r0c0', to: 'nowhere' });
    const one = written('one.json', formatWarehouseFile(file));
    const { err } = aisleflow('show', one);
    expect(err.split('\n')[0]).toBe(`E_MAP_INVALID: The map ${one} has 1 fault:`);
    expect(err).not.toContain('map validate');
    expect(() => loadMap(one)).toThrow(`The map ${one} has 1 fault, first: unknown-node`);

    for (let lane = 0; lane < 29; lane++) file.lanes.push({ from: 'r0c0', to: `nowhere-${lane}` });
    const many = aisleflow('show', written('many.json', formatWarehouseFile(file))).err;
    expect(many).toMatch(/^E_MAP_INVALID: The map .*many\.json has 30 faults:\n/);
    expect(many).toContain('\n  and 10 more; of a map file `aisleflow map validate` lists all');
  });
});

describe('the map that a command takes', () => {
  it('is a file where there is one, else a map that comes with the program', () => {
    expect(aisleflow('show', 'kiva-33x36')).toEqual(aisleflow('show', kiva));
    expect(aisleflow('validate', 'kiva-33x36').exitCode).toBe(0);
    const own = generateWarehouse('kiva-33x36', { id: 'own' });
    const before = process.cwd();
    onTestFinished(() => process.chdir(before));
    process.chdir(folder);
    written('narrow-33x57', formatWarehouseFile(own));
    const { out } = aisleflow('show', 'narrow-33x57', '--json');
    expect(JSON.parse(out)).toMatchObject({ warehouseId: 'own' });
    for (const name of ['no-such-map', 'narrow-33x57/x', '../maps/kiva-33x36'])
      expect(aisleflow('show', name).err).toContain('E_MAP_UNREADABLE');
    expect(aisleflow('show', 'no-such-map').err).toMatch(
      /come with the program are kiva-33x36, multi-block,/,
    );
  });
});

describe('map show', () => {
  it('draws a grid in letters and sums it up', () => {
    const { out, exitCode } = aisleflow('show', kiva);
    expect(exitCode).toBe(0);
    expect(out).toContain('\nW.EEEEEEEEEE.EEEEEEEEEE.EEEEEEEEEE.W\n..@@@@@@@@@@.@@@@@@@@@@.@@@@@@@@@@..\n');
    expect(out).toContain('3126 (0 one-way, 0 closed)');
  });

  it('draws an overview of a metre map, no wider than asked', () => {
    const { out } = aisleflow('show', site, '--width', '60');
    const drawing = out.slice(0, out.indexOf('┌')).split('\n').slice(1);
    expect(Math.max(...drawing.map((row) => row.length))).toBeLessThanOrEqual(60);
    expect(out).toContain('hauler');
    expect(JSON.parse(aisleflow('show', site, '--json').out)).toMatchObject({ nodes: 3393, stations: 21 });
  });

  it('draws as wide as the terminal is where no width is asked for', () => {
    const { isTTY, columns } = process.stdout;
    onTestFinished(() => void Object.assign(process.stdout, { isTTY, columns }));
    Object.assign(process.stdout, { isTTY: true, columns: 90 });
    const { out } = aisleflow('show', site);
    expect(out).toBe(aisleflow('show', site, '--width', '90').out);
  });

  it('writes a picture with each station, pick face and the title in it', () => {
    const svg = join(folder, 'site.svg');
    expect(aisleflow('show', site, '--svg', svg).exitCode).toBe(0);
    const picture = readFileSync(svg, 'utf8');
    expect(picture).toMatch(/^<svg [^]*<\/svg>\n$/);
    expect(picture.split('<circle').length).toBeGreaterThan(2_880);
    for (const station of ['S00', 'S20']) expect(picture).toContain(`<title>${station}</title>`);
    expect(picture).not.toMatch(/NaN|undefined|Infinity/);
  });
});

describe('map import', () => {
  const grid = 'type octile\nheight 3\nwidth 3\nmap\nW.E\n.@.\n...\n';

  it('turns a grid into a map file that loads', () => {
    const out = join(folder, 'small.json');
    const run = aisleflow('import', written('small hall.map', grid), '--dialect', 'kiva', '-o', out);
    expect(run).toMatchObject({ exitCode: 0, err: '' });
    const { graph } = parseWarehouse(readFileSync(out, 'utf8'));
    expect(graph.warehouseId).toBe('small-hall');
    expect(graph.nodeCount).toBe(8);
  });

  it('takes stations and pick faces for a dialect that marks none', () => {
    const den = written('den.map', grid.replace('W.E', '...'));
    expect(aisleflow('import', den, '--dialect', 'movingai')).toMatchObject({ exitCode: 1 });
    const run = aisleflow(
      'import',
      den,
      '--dialect',
      'movingai',
      '--station',
      'r0c0',
      '--pick-face',
      'r0c2,r2c2',
    );
    expect(run.exitCode).toBe(0);
    expect(parseWarehouse(run.out).graph.pickFaces).toHaveLength(2);
  });
});

describe('map generate', () => {
  it('makes the shipped maps and variants', () => {
    expect(aisleflow('generate', 'kiva-33x36').out).toBe(readFileSync(kiva, 'utf8'));
    const run = aisleflow(
      'generate',
      'kiva-33x36',
      '--set',
      'shelfRows=2',
      '--set',
      'shelfColumns=1',
      '--id',
      'tiny',
    );
    const { graph } = parseWarehouse(run.out);
    expect([graph.warehouseId, graph.pickFaces.length]).toEqual(['tiny', 40]);
  });

  it('lists layouts with their parameters', () => {
    const { out, exitCode } = aisleflow('generate', '--list');
    expect(exitCode).toBe(0);
    for (const word of ['kiva-33x36', 'multi-block', 'shelfRows', 'aislePitchMetres'])
      expect(out).toContain(word);
  });
});

describe('map path', () => {
  it('tells nodes, metres and seconds', () => {
    const run = aisleflow('path', kiva, 'r0c0', 'r0c3', '--json');
    expect(JSON.parse(run.out)).toMatchObject({
      nodes: ['r0c0', 'r0c1', 'r0c2', 'r0c3'],
      lengthMetres: 3,
      seconds: 3,
    });
    expect(aisleflow('path', kiva, 'r0c0', 'r0c3').out).toContain('3.0 m, 3.0 s');
  });

  it('counts turns and the start for the types that need time for them', () => {
    const answer = (type: string) =>
      JSON.parse(aisleflow('path', site, 'S00', 'B0.A40.P05', '--type', type, '--json').out) as Record<
        string,
        number
      >;
    const [shuttle, hauler] = [answer('shuttle'), answer('hauler')];
    expect(shuttle['seconds']).toBeLessThan(hauler['seconds'] as number);
    expect(shuttle).toMatchObject({ startSeconds: 0.5 });
    expect(shuttle['turnSeconds']).toBeGreaterThan(2);
  });

  it('from a node to itself is that node and no time', () => {
    expect(JSON.parse(aisleflow('path', site, 'S00', 'S00', '--json').out)).toMatchObject({
      nodes: ['S00'],
      seconds: 0,
    });
  });

  it('says where there is no way, or no way for this type', () => {
    const graph = gridFromText('W.@E');
    expect(freeFlowPath(graph, { robotType: 0, from: 0, to: 2 })).toBeNull();
    const run = aisleflow('path', site, 'S00', 'B0.A15.P00', '--type', 'hauler');
    expect(run).toMatchObject({ exitCode: 1, out: '' });
    expect(run.err).toContain('E_UNREACHABLE');
    expect(aisleflow('path', site, 'S00', 'B0.A15.P00', '--type', 'shuttle').exitCode).toBe(0);
  });

  it('is as quick as an exhaustive search says, turns included', () => {
    const graph = compileFile(
      generateWarehouse('multi-block', {
        set: {
          blockRows: '1',
          blockColumns: '1',
          aislesPerBlock: '4',
          stationsPerBlockColumn: '2',
          facesPerAisle: '3',
          narrowAislesPerBlock: '2',
        },
      }),
    );
    for (const robotType of [0, 1]) {
      for (let from = 0; from < graph.nodeCount; from += 7) {
        const best = bellmanFord(graph, robotType, from);
        for (let to = 0; to < graph.nodeCount; to += 5) {
          const path = freeFlowPath(graph, { robotType, from, to });
          const seconds = path ? path.driveSeconds + path.turnSeconds : Infinity;
          if (best[to] === Infinity) expect(path).toBeNull();
          else expect(seconds).toBeCloseTo(best[to] as number, 9);
          if (path) expectJoined(graph, path, { from, to });
        }
      }
    }
  });
});

describe('bad input', () => {
  const grid = 'type octile\nheight 1\nwidth 3\nmap\nW.E\n';
  it.each<[string, () => string[], string, number]>([
    ['a file that is not there', () => ['validate', join(folder, 'none.json')], 'E_MAP_UNREADABLE', 2],
    ['a folder', () => ['show', folder], 'E_MAP_UNREADABLE', 2],
    [
      'broken UTF-8',
      () => ['show', written('bytes.json', new Uint8Array([0x7b, 0xff, 0xfe]))],
      'E_MAP_UNREADABLE',
      2,
    ],
    ['broken JSON', () => ['show', written('broken.json', '{"id":')], 'E_MAP_UNREADABLE', 2],
    ['a map with faults', () => ['show', written('empty.json', '{}')], 'E_MAP_INVALID', 1],
    ['a grid without a dialect', () => ['show', written('grid.map', grid)], 'E_USAGE', 2],
    [
      'a layout without a dialect',
      () => ['show', written('layout.json', '{"layout": ["we"]}')],
      'E_USAGE',
      2,
    ],
    ['an unknown dialect', () => ['import', written('grid.map', grid), '--dialect', 'klingon'], 'E_USAGE', 2],
    [
      'letters of another dialect',
      () => ['import', written('grid.map', grid), '--dialect', 'lorr'],
      'E_MAP_UNREADABLE',
      2,
    ],
    ['an unknown layout', () => ['generate', 'castle'], 'E_LAYOUT_INVALID', 2],
    ['no layout', () => ['generate'], 'E_USAGE', 2],
    ['an unknown parameter', () => ['generate', 'kiva-33x36', '--set', 'moat=1'], 'E_LAYOUT_INVALID', 2],
    [
      'a file that cannot be written',
      () => ['generate', 'kiva-33x36', '-o', join(folder, 'no', 'where.json')],
      'E_USAGE',
      2,
    ],
    ['an unknown node', () => ['path', kiva, 'r0c0', 'r99c99'], 'E_UNKNOWN_NODE', 2],
    [
      'an unknown robot type',
      () => ['path', kiva, 'r0c0', 'r0c1', '--type', 'crane'],
      'E_UNKNOWN_ROBOT_TYPE',
      2,
    ],
    ['a width that is none', () => ['show', kiva, '--width', 'wide'], 'E_USAGE', 2],
    ['a missing argument', () => ['validate'], 'missing required argument', 2],
    ['an unknown option', () => ['validate', kiva, '--fast'], 'unknown option', 2],
  ])('%s: a code and a sentence, no stack', (_title, words, expected, exitCode) => {
    const run = aisleflow(...words());
    expect(run.err).toContain(expected);
    expect(run.err).not.toMatch(/\n\s+at /);
    expect(run.exitCode).toBe(exitCode);
  });

  it('help is not a mistake and shows examples', () => {
    for (const name of ['validate', 'show', 'import', 'generate', 'path']) {
      const run = aisleflow(name, '--help');
      expect(run.exitCode).toBe(0);
      expect(run.out).toContain('Examples:');
    }
  });
});

function expectJoined(graph: LaneGraph, path: FreeFlowPath, ends: { from: number; to: number }): void {
  expect([path.nodes[0], path.nodes.at(-1)]).toEqual([ends.from, ends.to]);
  expect(path.lanes.map((lane) => graph.laneFrom[lane])).toEqual(path.nodes.slice(0, -1));
  expect(path.lanes.map((lane) => graph.laneTo[lane])).toEqual(path.nodes.slice(1));
}

/** Least seconds of driving and turning to each node, by relaxing until nothing changes. */
function bellmanFord(graph: LaneGraph, robotType: number, from: number): number[] {
  const seconds = graph.freeFlowSeconds[robotType] as Float64Array;
  const quarter = graph.robotTypes[robotType]?.quarterTurnSeconds ?? 0;
  const best = Array.from(seconds, (value, lane) => (graph.laneFrom[lane] === from ? value : Infinity));
  for (let changed = true; changed;) {
    changed = false;
    for (let a = 0; a < graph.laneCount; a++) {
      for (let b = 0; b < graph.laneCount; b++) {
        if (graph.laneTo[a] !== graph.laneFrom[b]) continue;
        const gap = Math.abs((graph.heading[a] as number) - (graph.heading[b] as number));
        const turn = (Math.min(gap, 2 * Math.PI - gap) / (Math.PI / 2)) * quarter;
        const sum = (best[a] as number) + turn + (seconds[b] as number);
        if (sum < (best[b] as number) - 1e-12) {
          best[b] = sum;
          changed = true;
        }
      }
    }
  }
  const nodes = new Array<number>(graph.nodeCount).fill(Infinity);
  for (let lane = 0; lane < graph.laneCount; lane++) {
    const end = graph.laneTo[lane] as number;
    nodes[end] = Math.min(nodes[end] as number, best[lane] as number);
  }
  nodes[from] = 0;
  return nodes;
}
