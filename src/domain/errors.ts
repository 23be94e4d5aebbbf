import { LIMITS } from './limits.js';

/**
 * The one catalogue of operational failures: code, HTTP status, sentence, whether to retry.
 * `docs/errors.md` is generated from it. Tests assert codes, never sentences.
 */
interface CatalogueEntry {
  readonly status: number;
  /** A sentence that says what to do; `{name}` is filled from the references. */
  readonly template: string;
  readonly retry: boolean;
}

const entry = (status: number, template: string, retry = false): CatalogueEntry => ({
  status,
  template,
  retry,
});

export const ERRORS = {
  E_BAD_MESSAGE: entry(400, 'The message does not fit its schema: {detail}. Correct it and send it again.'),
  E_TOO_LARGE: entry(413, 'The message is larger than {limit} bytes. Send less at once.'),
  E_BAD_ENCODING: entry(
    400,
    'The message cannot be read as UTF-8 JSON: {detail}. Send one JSON object a message.',
  ),
  E_MEDIA_TYPE: entry(415, 'The body is not JSON. Send it with content-type application/json.'),
  E_HELLO_FIRST: entry(
    409,
    'Nobody said hello for {whom} on this connection. Say it, with robot and warehouse, and send this again.',
  ),
  E_UNAUTHENTICATED: entry(401, 'No valid token. Send it as "Authorization: Bearer <token>".'),
  E_FORBIDDEN: entry(403, 'This token may not do that: {detail}. Use one with the role and scope it needs.'),
  E_NOT_FOUND: entry(404, 'There is nothing at {path}. The API is described at /docs.'),
  E_METHOD_NOT_ALLOWED: entry(405, 'Nothing answers {method} at {path}. Use {allowed}.'),
  E_UPGRADE_REQUIRED: entry(
    426,
    '{path} is the WebSocket. Ask for it by GET with "Upgrade: websocket" and the sub-protocol {subProtocol}.',
  ),
  E_BUSY: entry(
    503,
    'The service is at its limit of {limit} waiting {what}. Try again after {retryAfterSeconds} s.',
    true,
  ),
  E_SHUTTING_DOWN: entry(503, 'The server is stopping. Connect again and send the request once more.', true),

  E_UNKNOWN_WAREHOUSE: entry(
    404,
    'Warehouse {warehouseId} is not known. GET /v1/warehouses lists those that are.',
  ),
  E_UNKNOWN_NODE: entry(422, 'Node {nodeId} is not on the map of {warehouseId}. Check the map version.'),
  E_UNKNOWN_LANE: entry(422, 'There is no lane from {from} to {to} in {warehouseId}. Check the map version.'),
  E_UNKNOWN_ROBOT: entry(404, 'Robot {robotId} is not known in {warehouseId}. Introduce it with hello.'),
  E_UNKNOWN_ROBOT_TYPE: entry(
    422,
    'Robot type {robotType} is not on the map of {warehouseId}. Known: {known}.',
  ),
  E_UNKNOWN_ROUTE: entry(404, 'Route {routeId} was never issued here. Nothing was stored.'),
  E_UNKNOWN_REVISION: entry(
    409,
    'Route {routeId} has revisions up to {newest}, not {revision}. Say hello and follow what welcome shows.',
  ),
  E_UNKNOWN_CORNER_CASE: entry(
    404,
    'Route {routeId} is not among the corner cases of {warehouseId}; older ones give way to newer ones. List them again.',
  ),
  E_UNKNOWN_POLICY: entry(
    404,
    'Policy version {policyVersion} is not in the registry. GET /v1/policies lists those that are.',
  ),

  E_UNREACHABLE: entry(
    422,
    'Node {to} cannot be reached from {from} on open lanes by this robot type. Open a lane or change the stops.',
  ),
  E_NO_STOPS: entry(422, 'A tour needs at least one stop. Name the shelves to visit.'),
  E_TOO_MANY_STOPS: entry(
    422,
    'A tour has at most {limit} stops on this map and for this robot type, this one has {count}. Split the order.',
  ),
  E_ROUTE_TOO_LONG: entry(422, 'The tour would take more than {limit} nodes. Split the order.'),
  E_REQUEST_CONFLICT: entry(
    409,
    'Request {requestId} was sent before with other content. Use a new request id.',
  ),
  E_ROUTE_OPEN: entry(409, 'Robot {robotId} already drives route {routeId}: {detail}.'),
  E_ROUTE_CLOSED: entry(409, 'Route {routeId} is {state}. Ask for a new one.'),
  E_ROUTE_OTHER_MAP: entry(
    409,
    'The map of {warehouseId} has changed under route {routeId}. Cancel it and ask for a new one.',
  ),
  E_ROUTE_REVISED_OFTEN: entry(
    409,
    'Route {routeId} was planned anew {limit} times. Cancel it and ask for a new one.',
  ),
  E_NOT_YOUR_ROUTE: entry(
    403,
    'Route {routeId} was issued to another robot. Only its own may read it and report on it.',
  ),
  E_COMPLETION_CONFLICT: entry(
    409,
    'Route {routeId} was completed before with another trace. The first one stands.',
  ),
  E_TRACE_GAP: entry(
    422,
    'Trace entry {at} is not joined by a lane to the one before it. Report every node held. Stored, not learnt.',
  ),
  E_TRACE_BACKWARDS: entry(
    422,
    'Trace entry {at} lies before the one before it. Check the robot clock. Stored, not learnt.',
  ),
  E_TRACE_TOO_FAST: entry(
    422,
    'Trace entry {at} is faster than the lane and the robot allow. Check the robot clock. Stored, not learnt.',
  ),
  E_TRACE_FUTURE: entry(
    422,
    "The trace ends after the service's own clock or begins before the route was issued. Check the robot clock. Stored, not learnt.",
  ),
  E_TRACE_INCOMPLETE: entry(422, 'The trace does not {detail}. Report the whole route. Stored, not learnt.'),
  E_TRACE_OTHER_MAP: entry(
    409,
    'The map of {warehouseId} has changed under route {routeId}. Stored, not learnt.',
  ),
  E_TRACE_LATE: entry(409, 'Route {routeId} had {state} before its trace came. Stored, not learnt.'),
  E_WEIGHTS_INVALID: entry(
    422,
    'Reward weights are finite numbers from 0 to 100, and time at least 0.001: {detail}.',
  ),
  E_MODE_INVALID: entry(422, 'Mode {mode} does not fit here; those that do: {known}.'),
  E_CLOCK_FIXED: entry(
    409,
    'Warehouse {warehouseId} runs on the wall clock. Only a simulated clock can be driven.',
  ),
  E_CLOCK_BACKWARDS: entry(409, 'The clock of {warehouseId} is at {now}; it cannot go back to {at}.'),

  E_MAP_INVALID: entry(
    422,
    'The map {file} has {count}, first: {detail}. `aisleflow map validate` lists all.',
  ),
  E_MAP_UNREADABLE: entry(422, 'The map file {file} cannot be read: {detail}.'),
  E_LAYOUT_INVALID: entry(422, 'The layout cannot be generated: {detail}.'),
  E_POLICY_CORRUPT: entry(
    422,
    'Policy {policyVersion} cannot be used: {detail}. The version served before stays.',
  ),
  E_POLICY_CONDEMNED: entry(409, 'Policy {policyVersion} is condemned: {detail}.'),
  E_POLICY_CHANGED: entry(
    409,
    'Policy {expected} is not served any more: {policyVersion} is. Nothing was rolled back.',
  ),
  E_NO_EARLIER_POLICY: entry(
    409,
    'No healthy version is older than {policyVersion}: there is none to roll back to. GET /v1/policies lists them; one can be activated.',
  ),
  E_DRILL_HARMLESS: entry(
    409,
    'Nothing that passes the gates would be worse by enough to matter: {detail}. Try again under load.',
    true,
  ),

  E_JOURNAL_FULL: entry(
    507,
    'The disk of the journal is full; nothing was stored. Free space, then send it again.',
    true,
  ),
  E_JOURNAL_FAILED: entry(
    500,
    'The journal cannot be written: {detail}. The server stops; start it again on a sound disk.',
    true,
  ),
  E_JOURNAL_CORRUPT: entry(
    500,
    'The journal is damaged at record {sequence}, or after it in the same file: {detail}. `aisleflow journal verify` says where; see the operations guide on quarantine.',
  ),
  E_QUARANTINE_UNFINISHED: entry(
    500,
    'A quarantine of the journal in {directory} was interrupted. Run `aisleflow journal quarantine` to finish it; it loses nothing more.',
  ),
  E_JOURNAL_FORMAT: entry(
    500,
    'The format of {file} is {format}, this program knows {known}: another version wrote it. Nothing was changed; use that version.',
  ),
  E_DATA_DIRECTORY: entry(
    500,
    'The directory {directory} cannot be used: {detail}. Name another one, or see to what is wrong with this.',
  ),
  E_PORT_IN_USE: entry(500, 'Port {port} on {host} is in use. Name another with --port.'),
  E_LINK_LOST: entry(
    502,
    'The connection to {url} failed: {detail}. See whether the server runs and what its log says.',
  ),
  E_ORDERS_INVALID: entry(422, 'Order file {place}: {detail}. Correct it and start again.'),
  E_USAGE: entry(400, 'The command cannot be run: {detail}. `--help` shows how it is used.'),
  E_CONFIG: entry(500, 'The configuration is wrong: {detail}.'),
  E_BACKEND: entry(500, 'No TF.js backend works: {detail}. `aisleflow doctor` explains.'),
  E_INTERNAL: entry(500, 'Something broke that should not; it is in the log under {reference}. Report it.'),
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof ERRORS;
export type ErrorReferences = Readonly<Record<string, string | number>>;

/** An operational failure. `message` is the catalogue's sentence with the references filled in. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly references: ErrorReferences;

  constructor(code: ErrorCode, references: ErrorReferences = {}, cause?: unknown) {
    super(fillTemplate(ERRORS[code].template, references), cause === undefined ? {} : { cause });
    this.name = 'AppError';
    this.code = code;
    this.references = references;
  }

  get status(): number {
    return ERRORS[this.code].status;
  }

  get retry(): boolean {
    return ERRORS[this.code].retry;
  }
}

function fillTemplate(template: string, references: ErrorReferences): string {
  return template.replace(/\{(\w+)\}/g, (whole, name: string) => String(references[name] ?? whole));
}

/** Of what came over the wire: where in this program it was refused says nothing, and costs more than all the rest of it. */
export function wireError(code: ErrorCode, references: ErrorReferences, cause?: unknown): AppError {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  const error = new AppError(code, references, cause);
  Error.stackTraceLimit = stackTraceLimit;
  return error;
}

/** E_BUSY: as many of these wait already as may, or as many are open. */
export function busy(
  limit: number,
  what: string,
  retryAfterSeconds: number = LIMITS.busyRetryAfterSeconds,
): AppError {
  return new AppError('E_BUSY', { limit, what, retryAfterSeconds });
}

export function isAppError(error: unknown): error is AppError {
  return error instanceof AppError;
}

/** Neither the caller's fault nor a limit of the moment: something of ours is broken, whoever asks. */
export function isDefect({ code }: AppError): boolean {
  return code === 'E_INTERNAL' || code === 'E_JOURNAL_FAILED';
}
