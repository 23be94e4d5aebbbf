import { afterEach, expect, it } from 'vitest';
import { tableText, terminalColumns } from '../../src/cli/tables.js';

const { isTTY, columns } = process.stdout;
afterEach(() => void Object.assign(process.stdout, { isTTY, columns }));

const head = ['Warehouse', 'Mode', 'Robots'];
const rows = [
  ['north', 'learn', 12],
  ['south', 'off', 0],
];

it('is a table where nobody looks, however wide, and on a terminal that holds it', () => {
  Object.assign(process.stdout, { isTTY: false, columns: 10 });
  const table = tableText(head, rows);
  expect(table).toContain('│ north     │ learn │ 12     │');
  Object.assign(process.stdout, { isTTY: true, columns: table.indexOf('\n') });
  expect(tableText(head, rows)).toBe(table);
});

it('is a list of names and values on a narrower terminal, with nothing cut off', () => {
  Object.assign(process.stdout, { isTTY: true, columns: 20 });
  expect(tableText(head, rows)).toBe(
    [
      'Warehouse  north',
      'Mode       learn',
      'Robots     12',
      '',
      'Warehouse  south',
      'Mode       off',
      'Robots     0',
    ].join('\n'),
  );
  expect(tableText(['Policy', 'v1+0'], [['Last good version', 'cold weights']])).toBe(
    'Policy             v1+0\nLast good version  cold weights',
  );
});

it('takes a terminal that does not tell its width for 80 columns', () => {
  Object.assign(process.stdout, { isTTY: true, columns: 0 });
  expect(terminalColumns()).toBe(80);
});
