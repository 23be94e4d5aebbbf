import { LIMITS } from '../domain/limits.js';
import type { LaneGraph } from '../warehouse/laneGraph.js';
import { isCellGrid } from './cellGrid.js';

/** Slate, sand and teal: dark floor lines on light, stations the one strong colour. */
const COLOURS = {
  paper: '#f7f6f2',
  hall: '#ffffff',
  ink: '#2b3440',
  faint: '#8a93a0',
  shelf: '#3e4a5a',
  rack: '#c9b48f',
  pickFace: '#e8a33d',
  station: '#0f8b8d',
  closed: '#c8352b',
} as const;
/** Lanes by speed, slow to fast. */
const SPEED_COLOURS = ['#b7c4d3', '#8fb3d1', '#5f95c4', '#2f6fae', '#174a86'] as const;
const MARGIN_METRES = 2;
const RACK_NEAR_METRES = 0.4;
const RACK_FAR_METRES = 1.1;

interface Frame {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly isGrid: boolean;
}

/** The map as a picture in SVG: shelves, lanes by speed limit with arrows where one-way, stations, pick faces. */
export function drawPicture(graph: LaneGraph, title: string): string {
  const frame = frameOf(graph);
  const { left, top, width, height } = frame;
  const scale = Math.min(24, Math.max(6, 1400 / (width + 2 * MARGIN_METRES)));
  const foot = 70 / scale;
  const head = 46 / scale;
  const box = [
    left - MARGIN_METRES,
    top - MARGIN_METRES - head,
    width + 2 * MARGIN_METRES,
    height + 2 * MARGIN_METRES + head + foot,
  ];
  const speeds = [...new Set(graph.speedLimit)].sort((a, b) => a - b);
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${box.map(short).join(' ')}" width="${Math.round((box[2] as number) * scale)}" height="${Math.round((box[3] as number) * scale)}" font-family="system-ui, sans-serif">`,
    `<title>${escapeText(title)}</title>`,
    `<rect x="${short(box[0] as number)}" y="${short(box[1] as number)}" width="${short(box[2] as number)}" height="${short(box[3] as number)}" fill="${COLOURS.paper}"/>`,
    frame.isGrid ? shelves(graph, frame) : racks(graph, frame),
    lanes(graph, speeds),
    marks(graph, frame.isGrid),
    caption(graph, title, { frame, scale, speeds }),
    '</svg>',
  ];
  return `${parts.join('\n')}\n`;
}

function frameOf(graph: LaneGraph): Frame {
  const least = (values: Float64Array): number => values.reduce((a, b) => Math.min(a, b), Infinity);
  const most = (values: Float64Array): number => values.reduce((a, b) => Math.max(a, b), -Infinity);
  const left = least(graph.x) - 0.5;
  const top = least(graph.y) - 0.5;
  return {
    left,
    top,
    width: most(graph.x) + 0.5 - left,
    height: most(graph.y) + 0.5 - top,
    isGrid: isCellGrid(graph),
  };
}

function hallFloor({ left, top, width, height }: Frame): string {
  const sides = `x="${short(left)}" y="${short(top)}" width="${short(width)}" height="${short(height)}"`;
  return `<rect ${sides} rx="0.4" fill="${COLOURS.hall}"/>`;
}

/** On a grid, the cells without a node: runs of a row as one bar. None where a node far off makes nearly all of them such. */
function shelves(graph: LaneGraph, frame: Frame): string {
  const { left, top, width, height } = frame;
  if (width * height > LIMITS.drawnCellsPerNode * graph.nodeCount) return hallFloor(frame);
  const taken = new Set(Array.from(graph.x, (x, node) => `${x} ${graph.y[node]}`));
  const bars: string[] = [];
  for (let row = top + 0.5; row < top + height; row++) {
    for (let column = left + 0.5; column < left + width; column++) {
      const first = column;
      while (column < left + width && !taken.has(`${column} ${row}`)) column++;
      if (column > first) {
        bars.push(
          `<rect x="${first - 0.47}" y="${row - 0.47}" width="${short(column - first - 0.06)}" height="0.94" rx="0.12"/>`,
        );
      }
    }
  }
  return `${hallFloor(frame)}\n<g fill="${COLOURS.shelf}">${bars.join('')}</g>`;
}

/** Elsewhere, a rack on both sides of each pick face, along the lane that leaves it. */
function racks(graph: LaneGraph, frame: Frame): string {
  const bars = graph.pickFaces.map((node) => {
    const x = short(graph.x[node] as number);
    const y = short(graph.y[node] as number);
    const degrees = headingDegrees(graph, graph.laneStart[node] as number);
    return `<use href="#rack" transform="translate(${x} ${y}) rotate(${degrees})"/>`;
  });
  const side = `x="-0.55" width="1.1" height="${RACK_FAR_METRES - RACK_NEAR_METRES}"`;
  const rack = `<g id="rack"><rect ${side} y="${RACK_NEAR_METRES}"/><rect ${side} y="${-RACK_FAR_METRES}"/></g>`;
  return `${hallFloor(frame)}\n<defs>${rack}</defs>\n<g fill="${COLOURS.rack}">${bars.join('')}</g>`;
}

/** East where there is no lane, or it has no heading. */
function headingDegrees({ heading }: LaneGraph, lane: number): string {
  return short(((heading[lane] || 0) * 180) / Math.PI);
}

function speedColour(speed: number, speeds: readonly number[]): string {
  const rank = speeds.length === 1 ? 0 : speeds.indexOf(speed) / (speeds.length - 1);
  return SPEED_COLOURS[Math.round(rank * (SPEED_COLOURS.length - 1))] as string;
}

/** One path for each look, so that a large map stays a small file. */
function lanes(graph: LaneGraph, speeds: readonly number[]): string {
  const looks = new Map<string, string[]>();
  const arrows: string[] = [];
  for (let lane = 0; lane < graph.laneCount; lane++) {
    const back = graph.reverseLane[lane] as number;
    if (
      back > lane &&
      graph.speedLimit[back] === graph.speedLimit[lane] &&
      graph.open[back] === graph.open[lane]
    )
      continue;
    const [from, to] = [graph.laneFrom[lane] as number, graph.laneTo[lane] as number];
    const [x, y] = [graph.x[from] as number, graph.y[from] as number];
    const [toX, toY] = [graph.x[to] as number, graph.y[to] as number];
    const stroke = graph.open[lane] ? speedColour(graph.speedLimit[lane] as number, speeds) : COLOURS.closed;
    const look = `stroke="${stroke}"${graph.barredTypes[lane] ? ' stroke-dasharray="0.35 0.25"' : ''}`;
    const line = `M${short(x)} ${short(y)}L${short(toX)} ${short(toY)}`;
    const lines = looks.get(look);
    if (lines) lines.push(line);
    else looks.set(look, [line]);
    if (back === -1 && deservesArrow(graph, lane)) {
      const degrees = headingDegrees(graph, lane);
      arrows.push(
        `<use href="#arrow" transform="translate(${short((x + toX) / 2)} ${short((y + toY) / 2)}) rotate(${degrees})"/>`,
      );
    }
  }
  const paths = [...looks].map(([look, lines]) => `<path ${look} d="${lines.join('')}"/>`);
  return [
    `<defs><path id="arrow" d="M-0.35 -0.4L0.45 0L-0.35 0.4Z"/></defs>`,
    `<g fill="none" stroke-width="0.16" stroke-linecap="round">${paths.join('\n')}</g>`,
    `<g fill="${COLOURS.ink}">${arrows.join('')}</g>`,
  ].join('\n');
}

/** Where a one-way begins, and on long lanes: an arrow on each waypoint would be a thicket. */
function deservesArrow(graph: LaneGraph, lane: number): boolean {
  const from = graph.laneFrom[lane] as number;
  const leaving = (graph.laneStart[from + 1] as number) - (graph.laneStart[from] as number);
  return leaving > 1 || (graph.lengthMetres[lane] as number) > 6;
}

function marks(graph: LaneGraph, isGrid: boolean): string {
  const faces = graph.pickFaces.map(
    (node) =>
      `<circle cx="${short(graph.x[node] as number)}" cy="${short(graph.y[node] as number)}" r="${isGrid ? 0.2 : 0.16}"/>`,
  );
  const stations = graph.stations.map((node) => {
    const [x, y] = [(graph.x[node] as number) - 0.45, (graph.y[node] as number) - 0.45];
    return `<rect x="${short(x)}" y="${short(y)}" width="0.9" height="0.9" rx="0.2"><title>${escapeText(graph.nodeIds[node] as string)}</title></rect>`;
  });
  return `<g fill="${COLOURS.pickFace}">${faces.join('')}</g>\n<g fill="${COLOURS.station}">${stations.join('')}</g>`;
}

function caption(
  graph: LaneGraph,
  title: string,
  { frame, scale, speeds }: { frame: Frame; scale: number; speeds: readonly number[] },
): string {
  const pixels = (value: number): number => value / scale;
  const text = (x: number, y: number, size: number, colour: string, content: string): string =>
    `<text x="${short(x)}" y="${short(y)}" font-size="${short(pixels(size))}" fill="${colour}">${escapeText(content)}</text>`;
  const titleY = frame.top - MARGIN_METRES + pixels(2);
  const facts = `${graph.nodeCount} nodes, ${graph.laneCount} lanes, ${graph.stations.length} stations, ${graph.pickFaces.length} pick faces`;
  const keyY = frame.top + frame.height + MARGIN_METRES + pixels(20);
  const parts = [
    text(frame.left, titleY - pixels(18), 20, COLOURS.ink, title),
    text(frame.left, titleY, 13, COLOURS.faint, facts),
  ];
  let x = frame.left;
  const key = (swatch: (x: number, y: number) => string, label: string): void => {
    parts.push(swatch(x, keyY - pixels(5)), text(x + pixels(28), keyY, 13, COLOURS.ink, label));
    x += pixels(48 + 7.2 * label.length);
  };
  const dot = (colour: string) => (at: number, y: number) =>
    `<circle cx="${short(at + pixels(10))}" cy="${short(y)}" r="${short(pixels(6))}" fill="${colour}"/>`;
  key(dot(COLOURS.station), 'station');
  key(dot(COLOURS.pickFace), 'pick face');
  for (const speed of speeds) {
    const stroke = speedColour(speed, speeds);
    key(
      (at, y) =>
        `<path d="M${short(at)} ${short(y)}h${short(pixels(20))}" stroke="${stroke}" stroke-width="${short(pixels(4))}"/>`,
      `${speed} m/s`,
    );
  }
  if (graph.barredTypes.some((bits) => bits !== 0)) {
    const dashes = `stroke="${COLOURS.faint}" stroke-width="${short(pixels(3))}" stroke-dasharray="${short(pixels(5))} ${short(pixels(3))}"`;
    key(
      (at, y) => `<path d="M${short(at)} ${short(y)}h${short(pixels(20))}" ${dashes}/>`,
      'barred to some robots',
    );
  }
  const metres = frame.width > 60 ? 20 : 5;
  const barY = keyY + pixels(26);
  parts.push(
    `<path d="M${short(frame.left)} ${short(barY)}h${metres}" stroke="${COLOURS.ink}" stroke-width="${short(pixels(2))}"/>`,
    text(frame.left + metres + pixels(8), barY + pixels(5), 13, COLOURS.ink, `${metres} m`),
  );
  return parts.join('\n');
}

function short(value: number): string {
  return String(Math.round(value * 100) / 100);
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
