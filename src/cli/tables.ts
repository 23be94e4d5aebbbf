import Table from 'cli-table3';

type Cell = string | number;

/** Of a terminal that does not tell its width: it says 0. */
const UNKNOWN_COLUMNS = 80;

/** The width of the terminal that standard output goes to; null where it goes elsewhere. */
export function terminalColumns(): number | null {
  return process.stdout.isTTY ? process.stdout.columns || UNKNOWN_COLUMNS : null;
}

/** A table; on a terminal that is narrower than it, a list of names and values for each row. */
export function tableText(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  // Plain: colours would be noise in a pipe.
  const table = new Table({ head: [...head], style: { head: [], border: [] } });
  for (const row of rows) table.push([...row]);
  const text = table.toString();
  if (text.indexOf('\n') <= (terminalColumns() ?? Infinity)) return text;
  // Two columns are names and values already.
  if (head.length === 2) return listText([head, ...rows]);
  return rows.map((row) => listText(row.map((cell, at) => [head[at] ?? '', cell]))).join('\n\n');
}

function listText(pairs: readonly (readonly Cell[])[]): string {
  const width = Math.max(...pairs.map(([name]) => String(name).length));
  return pairs.map(([name, value]) => `${String(name).padEnd(width)}  ${value}`.trimEnd()).join('\n');
}
