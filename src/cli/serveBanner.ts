import type { WarehouseSummary } from '../domain/serviceContract.js';
import type { IssuedToken } from '../registry/tokenRecords.js';
import type { ServeSettings } from './serveSettings.js';
import { tableText } from './tables.js';

/** What `serve` says once it takes work. */
export interface Started {
  readonly version: string;
  readonly url: string;
  readonly backend: string;
  readonly settings: ServeSettings;
  /** Undefined where no mode was named. */
  readonly modeAsked?: string | undefined;
  readonly warehouses: readonly WarehouseSummary[];
  /** Made by this start; empty unless it is the first. */
  readonly firstTokens: readonly IssuedToken[];
}

/** One JSON object on one line, for programs that start a server. */
export function startedAsJson({ version, url, backend, settings, warehouses, firstTokens }: Started): string {
  const tokens = Object.fromEntries(firstTokens.map(({ token, record }) => [record.role, token]));
  return JSON.stringify({
    ...{ version, url, webSocketUrl: webSocketUrl(url), docsUrl: `${url}/docs`, backend },
    dataDirectory: settings.dataDirectory,
    policies: settings.policies,
    warehouses: warehouses.map(({ warehouseId, mapVersion, policyVersion, mode }) => ({
      ...{ warehouseId, mapVersion, policyVersion, mode },
    })),
    tokens: firstTokens.length === 0 ? null : tokens,
  });
}

export function startedAsText(started: Started): string {
  const { version, url, backend, settings, modeAsked, warehouses, firstTokens } = started;
  const shared = settings.policies === 'shared' ? 'shared by all warehouses' : 'one for each warehouse';
  const lines = [
    '',
    `Aisleflow ${version} is ready.`,
    '',
    `  HTTP        ${url}/v1`,
    `  WebSocket   ${webSocketUrl(url)}  (sub-protocol aisleflow.v1)`,
    `  API docs    ${url}/docs  (any name; password: a viewer's or operator's token)`,
    `  Data        ${settings.dataDirectory}`,
    `  TF.js       ${backend}`,
    `  Policy      ${shared}`,
    '',
    warehouseTable(warehouses),
    '',
    ...otherModeLines(warehouses, modeAsked),
  ];
  if (firstTokens.length > 0) lines.push(...tokenLines(firstTokens));
  return lines.join('\n');
}

function warehouseTable(warehouses: readonly WarehouseSummary[]): string {
  const head = ['Warehouse', 'Map', 'Nodes', 'Lanes', 'Robot types', 'Mode', 'Policy version'];
  const rows = warehouses.map(
    ({ warehouseId, mapVersion, nodes, lanes, robotTypes, mode, policyVersion }) => [
      ...[warehouseId, mapVersion, nodes, lanes, robotTypes.join(', '), mode, policyVersion],
    ],
  );
  return tableText(head, rows);
}

/** Who asked for a mode and got another reads that here, and not only in the log. */
function otherModeLines(warehouses: readonly WarehouseSummary[], asked: string | undefined): string[] {
  const others = warehouses.filter(({ mode }) => asked !== undefined && mode !== asked);
  if (others.length === 0) return [];
  return [
    `Not in mode ${asked}: --mode is for new warehouses, those that the data has keep theirs. To change it:`,
    '',
    ...others.map(({ warehouseId }) => `  aisleflow mode ${asked} --warehouse ${warehouseId}`),
    '',
  ];
}

function tokenLines(tokens: readonly IssuedToken[]): string[] {
  return [
    'Tokens of this first start. They are shown only now; `aisleflow token add` makes more.',
    '',
    ...tokens.map(({ token, record }) => `  ${record.role.padEnd(10)} ${token}`),
    '',
  ];
}

function webSocketUrl(url: string): string {
  return `${url.replace(/^http/, 'ws')}/v1/ws`;
}
