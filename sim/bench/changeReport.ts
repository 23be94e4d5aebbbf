import type { ChangeName } from './changes.js';
import {
  extraSecondsOf,
  isChangeLine,
  plateauOf,
  regainedAfter,
  secondHalf,
  shareOf,
  spanOf,
  throughputIn,
  WANTED_STEPS,
  type ChangeLine,
} from './changeMeasures.js';
import type { Chart } from './charts.js';
import { describeOrigin, type ReportInput } from './reportParts.js';
import { CHANGE_CELLS } from './runs.js';
import { markdownTable, meanOf, pairedDifferences, showDifference, showInterval } from './statistics.js';

/** An oracle's share of routes that a run may have over the slow cell, as a multiple. */
const ORACLE_MULTIPLE = 2;
/** Per cent that throughput may lack of the oracle's. */
const ORACLE_GAP = 1;
/** Share of before that routes over a place are back at when what was slow there is gone, or slow for others only. */
const RETURN_SHARE = 0.8;
const RETURN_STEPS = 300;

const SLOW_ROBOT_CHANGES = ['no-slow-robot', 'slow-robot', 'slow-robot-type'] as const;

/** docs/benchmarks/change.md: what came of each target, and the tables that say so. */
export function describeChange(input: ReportInput, charts: readonly Chart[]): string {
  const lines = input.lines.filter(isChangeLine);
  return [
    '# When the floor changes',
    describeOrigin('npm run bench:change', input),
    'Learning is cold and goes on for 600 steps before anything changes; then 600 follow, and 600 more once a slow cell has ' +
      'cleared. The same seed gives every method the same starts, goals and place. `frozen-at-change` is `learned-cold` ' +
      'whose network stops learning at the change; lane memory, usual flow and pressure go on, as in mode frozen. ' +
      'Brackets are 95 % bootstrap intervals over seeds; differences are paired by seed, in per cent.',
    ...charts.map(({ title, file }) => `![${title}](${file})`),
    '## The floor is another: back at the plateau',
    'Plateau: goals a step over the last 300 of the 600 steps after the change, of the run itself. Back at 95 %: steps from the ' +
      'change to the end of the first 60 steps in a row, all after it, that make 95 % of that plateau, so 60 is the least; ' +
      `the worst of the seeds counts, and ${WANTED_STEPS} are wanted. \`aisle-closes\`: seven lanes of the busiest aisle, ` +
      'both ways. `hot-zone-moves`: 60 % of the picks lie in a fifth of the pick faces, which moves to the other end. ' +
      '`robots-slow`: a tenth of the robots take three times as long, silently. `fleet-doubles`: half of the robots stood ' +
      'idle on the floor until then.',
    measured(floorTable(lines)),
    '## One busy cell is silently 10 s slow',
    'The busiest cell where nobody stops, by shortest paths. Share: routes handed out that cross it, of all, seeds together; ' +
      `wanted from step ${WANTED_STEPS} on at most twice that of \`oracle\`, which prices the lanes out of the cell 10 s ` +
      `dearer from the first step on and learns as \`learned-cold\`; goals a step from then on within ${ORACLE_GAP} % of the ` +
      `oracle's; from ${RETURN_STEPS} steps after it cleared, ${100 * RETURN_SHARE} % of the share before (last 300 steps). ` +
      'Price: mean seconds beyond free flow of the lanes out of the cell.',
    measured(cellTable(lines)),
    '## One slow robot does not make its lanes dear for others',
    'Robot 0 drives to and fro in the busiest aisle and takes three times as long: silently from the change on, or always and ' +
      'by its type; `no-slow-robot` is the same run with a robot as all others. Share of the other robots’ routes that drive ' +
      'a lane of that aisle, and the price of its lanes beyond free flow, over the last 300 steps. The issue has no figure; ' +
      `at least ${100 * RETURN_SHARE} % of the share without slowness counts as met.`,
    measured(robotTable(lines)),
    '',
  ].join('\n\n');
}

const measured = (table: string): string => (table.split('\n').length > 2 ? table : 'Not measured yet.');

const percent = (share: number, digits = 1): string => `${(100 * share).toFixed(digits)} %`;

function groupsOf(lines: readonly ChangeLine[]) {
  return CHANGE_CELLS.flatMap(({ change, cells, methods }) =>
    cells.map((cell) => ({
      ...{ change, cell },
      methods: methods
        .map((method) => ({ method, own: select(lines, { change, cell, method }) }))
        .filter(({ own }) => own.length > 0),
    })),
  ).filter(({ methods }) => methods.length > 0);
}

interface Selection {
  readonly change: ChangeName;
  readonly cell: string;
  readonly method: string;
}

function select(lines: readonly ChangeLine[], wanted: Selection): ChangeLine[] {
  return lines
    .filter(
      ({ change, cell, method }) =>
        change === wanted.change && cell === wanted.cell && method === wanted.method,
    )
    .sort((a, b) => a.seed - b.seed);
}

/** Per cent that ours make more than theirs, seed by seed. */
function gains(
  ours: readonly ChangeLine[],
  theirs: readonly ChangeLine[],
  valueOf: (line: ChangeLine) => number,
): number[] {
  const base = meanOf(theirs.map(valueOf));
  return pairedDifferences(ours, theirs, (line) => (100 * valueOf(line)) / base);
}

function floorTable(lines: readonly ChangeLine[]): string {
  const first = (line: ChangeLine): number =>
    throughputIn(line, spanOf(line, 'changed', { to: WANTED_STEPS }));
  const rows = groupsOf(lines)
    .filter(({ change }) => change !== 'slow-cell' && !isSlowRobot(change))
    .flatMap(({ change, cell, methods }) =>
      methods.map(({ method, own }) => {
        const others = (name: string, valueOf: (line: ChangeLine) => number): string =>
          method === name
            ? ''
            : showDifference(gains(own, select(lines, { change, cell, method: name }), valueOf), 1);
        return [
          ...[change, cell, method, String(own.length)],
          showInterval(own.map((line) => throughputIn(line, secondHalf(line, 'before')))),
          showInterval(own.map(first)),
          showInterval(own.map(plateauOf)),
          regained(own),
          ...['flow', 'frozen-at-change'].flatMap((name) => [others(name, first), others(name, plateauOf)]),
        ];
      }),
    );
  const against = ['flow', 'frozen'].flatMap((name) => [
    `first ${WANTED_STEPS}, against ${name}`,
    `plateau, against ${name}`,
  ]);
  return markdownTable(
    [
      ...['change', 'cell', 'method', 'seeds', 'before', `first ${WANTED_STEPS} steps after`, 'plateau'],
      ...['back at 95 %, by seed', ...against],
    ],
    rows,
  );
}

/** `60, 70: met`. */
function regained(own: readonly ChangeLine[]): string {
  const steps = own.map(regainedAfter);
  return judged(
    steps.join(', '),
    steps.every((after) => after <= WANTED_STEPS),
  );
}

function cellTable(lines: readonly ChangeLine[]): string {
  const before = (line: ChangeLine) => secondHalf(line, 'before');
  const around = (line: ChangeLine) => spanOf(line, 'changed', { from: WANTED_STEPS });
  const back = (line: ChangeLine) => spanOf(line, 'cleared', { from: RETURN_STEPS });
  const rows = groupsOf(lines)
    .filter(({ change }) => change === 'slow-cell')
    .flatMap(({ change, cell, methods }) =>
      methods.map(({ method, own }) => {
        const oracle = select(lines, { change, cell, method: 'oracle' });
        const isOracle = method === 'oracle' || oracle.length === 0;
        const share = shareOf(own, around);
        const allowed = ORACLE_MULTIPLE * shareOf(oracle, around);
        const lost = isOracle ? [] : gains(own, oracle, (line) => throughputIn(line, around(line)));
        const returned = shareOf(own, back) / shareOf(own, before);
        return [
          ...[cell, method, String(own.length), percent(shareOf(own, before))],
          percent(shareOf(own, (line) => spanOf(line, 'changed', { from: 60, to: WANTED_STEPS }))),
          isOracle ? percent(share, 2) : judged(percent(share, 2), share <= allowed),
          showInterval(own.map((line) => throughputIn(line, around(line)))),
          lost.length === 0 ? '' : judged(showDifference(lost, 1), meanOf(lost) >= -ORACLE_GAP),
          percent(shareOf(own, back)),
          judged(percent(returned, 0), returned >= RETURN_SHARE),
          [before, around, back].map((spanIn) => extraSecondsOf(own, spanIn).toFixed(1)).join(' / '),
        ];
      }),
    );
  return markdownTable(
    [
      ...['cell', 'method', 'seeds', 'share before', `steps 61-${WANTED_STEPS}`, `from ${WANTED_STEPS} on`],
      ...['goals a step then', 'against oracle', `${RETURN_STEPS} after it cleared`, 'of before'],
      'price before / slow / after, s',
    ],
    rows,
  );
}

function robotTable(lines: readonly ChangeLine[]): string {
  const last = (line: ChangeLine) => secondHalf(line, 'changed');
  const rows = groupsOf(lines)
    .filter(({ change }) => isSlowRobot(change))
    .flatMap(({ change, cell, methods }) =>
      methods.map(({ method, own }) => {
        const normal = shareOf(select(lines, { change: 'no-slow-robot', cell, method }), last);
        const share = shareOf(own, last);
        return [
          ...[change, cell, method, String(own.length), percent(share)],
          change === 'no-slow-robot' || normal === 0
            ? ''
            : judged(percent(share / normal, 0), share >= RETURN_SHARE * normal),
          extraSecondsOf(own, last).toFixed(2),
          showInterval(own.map((line) => throughputIn(line, last(line)))),
        ];
      }),
    );
  return markdownTable(
    ['robot 0', 'cell', 'method', 'seeds', 'share of the others', 'of without', 'price, s', 'goals a step'],
    rows,
  );
}

const judged = (text: string, isMet: boolean): string => `${text}: ${isMet ? 'met' : '**not met**'}`;

const isSlowRobot = (change: ChangeName): boolean =>
  (SLOW_ROBOT_CHANGES as readonly ChangeName[]).includes(change);
