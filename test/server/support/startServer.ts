import { connect as connectSocket } from 'node:net';
import { WebSocket, type ClientOptions } from 'ws';
import type { RoutingService, ServiceObserver } from '../../../src/domain/serviceContract.js';
import { createMemoryJournal } from '../../../src/journal/memoryJournal.js';
import { createInlineLearner } from '../../../src/learning/learnerPort.js';
import { createRandom } from '../../../src/platform/random.js';
import { selectBackend } from '../../../src/policy/backend.js';
import { POLICY_SHAPE, randomWeights } from '../../../src/policy/network.js';
import { openPolicyRegistry } from '../../../src/registry/policyRegistry.js';
import { newToken, type TokenGrant, type TokenRecord } from '../../../src/registry/tokenRecords.js';
import { Writable } from 'node:stream';
import { createLogger } from '../../../src/server/logging.js';
import { createMetrics } from '../../../src/server/metrics.js';
import type { TokenSource } from '../../../src/server/tokens.js';
import { createServer, type AisleflowServer, type ServerTiming } from '../../../src/server/server.js';
import { createRoutingService } from '../../../src/service/routingService.js';
import type { LaneGraph } from '../../../src/warehouse/laneGraph.js';
import { gridFromText } from '../../../src/warehouse/movingAi.js';

/** Two stations, six pick faces, a floor of 7 x 5; nodes are r<row>c<column>. */
export const FLOOR = `
  .......
  W.@.@.W
  .E@E@E.
  .E@E@E.
  .......
`;
export const NORTH = '/v1/warehouses/north';

export interface TestServer {
  readonly url: string;
  readonly port: number;
  readonly service: RoutingService;
  readonly server: AisleflowServer;
  readonly log: string[];
  readonly tokens: Readonly<Record<'viewer' | 'robot' | 'operator', string>>;
  /** A further token; `revoke` takes it away again. */
  issue(grant: TokenGrant): { token: string; record: TokenRecord; revoke: () => void };
  http(method: string, path: string, options?: HttpOptions): Promise<HttpAnswer>;
  connect(token: string, options?: ClientOptions): Promise<TestClient>;
  /** Sends raw bytes and answers what came back until the other side closed. */
  raw(bytes: string | Buffer): Promise<string>;
  close(): Promise<void>;
}

export interface HttpOptions {
  readonly token?: string;
  readonly body?: unknown;
  readonly raw?: string | Buffer;
  readonly headers?: Record<string, string>;
}
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: Record<string, unknown>;
}

type Message = Record<string, unknown> & { type: string };

/** A WebSocket that keeps what comes until it is asked for. */
export interface TestClient {
  readonly socket: WebSocket;
  send(message: unknown): void;
  /** The next message that fits, also one that came before; others are kept. */
  next(fits: string | ((message: Message) => boolean)): Promise<Message>;
  ask(message: unknown, fits: string): Promise<Message>;
  readonly closed: Promise<{ code: number; reason: string }>;
}

export async function startServer(
  options: {
    readonly port?: number;
    readonly timing?: Partial<ServerTiming>;
    readonly allowedOrigins?: readonly string[];
    readonly tls?: { readonly cert: Buffer; readonly key: Buffer };
    /** Default: a clock that tests drive. */
    readonly clock?: 'wall';
    /** Default: FLOOR twice, as north and south. */
    readonly graphs?: readonly LaneGraph[];
    /** A learner, and a registry in this directory. */
    readonly policiesIn?: string;
    readonly wrap?: (service: RoutingService) => RoutingService;
    /** Instead of the tokens that tests issue. */
    readonly tokenFile?: TokenSource;
  } = {},
): Promise<TestServer> {
  const metrics = createMetrics();
  const service = await createTestService(metrics.observer, options);
  const log: string[] = [];
  const sink = new Writable({
    write(line: Buffer, _encoding, done) {
      log.push(line.toString('utf8'));
      done();
    },
  });
  const logger = createLogger('debug', sink);
  const records: TokenRecord[] = [];
  const issue = (grant: TokenGrant) => {
    const { token, record } = newToken(grant, 0);
    records.push(record);
    const revoke = (): void => void records.splice(records.indexOf(record), 1);
    return { token, record, revoke };
  };
  const all = { warehouses: '*', robots: '*' } as const;
  const tokens = {
    viewer: issue({ role: 'viewer', ...all }).token,
    robot: issue({ role: 'robot', warehouses: ['north'], robots: ['amr-*'] }).token,
    operator: issue({ role: 'operator', ...all }).token,
  };
  const server = await createServer({
    service: options.wrap?.(service) ?? service,
    tokens: options.tokenFile ?? { records: () => records, refresh: () => undefined },
    ...{
      metrics,
      logger,
      host: '127.0.0.1',
      port: options.port ?? 0,
      version: '0.0.0',
      policyIsShared: true,
    },
    timing: options.timing ?? {},
    allowedOrigins: options.allowedOrigins ?? [],
    ...(options.tls === undefined ? {} : { tls: options.tls }),
  });
  const { url, port } = await server.listen();
  const clients = new Set<WebSocket>();
  return {
    ...{ url, port, service, server, log, tokens, issue },
    http: (method, path, request) => http(url + path, method, request ?? {}),
    async connect(token, clientOptions = {}) {
      const client = await openClient(`${url.replace('http', 'ws')}/v1/ws`, token, clientOptions);
      clients.add(client.socket);
      return client;
    },
    raw: (bytes) => sendRaw(port, bytes),
    async close() {
      for (const socket of clients) socket.terminate();
      await server.close();
      await service.close();
    },
  };
}

async function createTestService(
  observer: ServiceObserver,
  options: {
    readonly clock?: 'wall';
    readonly graphs?: readonly LaneGraph[];
    readonly policiesIn?: string;
  },
): Promise<RoutingService> {
  const { clock, policiesIn } = options;
  const random = createRandom(1);
  return createRoutingService({
    graphs: options.graphs ?? ['north', 'south'].map((id) => gridFromText(FLOOR, 'kiva', id)),
    journal: createMemoryJournal(),
    openRegistry:
      policiesIn === undefined
        ? null
        : () => openPolicyRegistry({ directory: policiesIn, shippedDirectory: null, shape: POLICY_SHAPE }),
    policies: 'shared',
    async startLearner(weights) {
      if (policiesIn === undefined) return null;
      const { tf, name } = await selectBackend({ force: 'cpu' });
      return createInlineLearner({ tf, backend: name, random: random.fork('learner'), weights });
    },
    coldWeights: () => randomWeights(random.fork('weights')),
    clock: clock === 'wall' ? { kind: 'wall' } : { kind: 'driven', startAt: 1_000_000 },
    mode: policiesIn === undefined ? 'observe' : 'learn',
    observer,
  });
}

async function http(url: string, method: string, options: HttpOptions): Promise<HttpAnswer> {
  const headers: Record<string, string> = { ...options.headers };
  if (options.token !== undefined) headers['authorization'] = `Bearer ${options.token}`;
  const body = options.raw ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
  if (body !== undefined) headers['content-type'] ??= 'application/json';
  const response = await fetch(url, {
    method,
    headers,
    redirect: 'manual',
    ...(body === undefined ? {} : { body }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') ?? false;
  const json = isJson && text !== '' ? (JSON.parse(text) as Record<string, unknown>) : {};
  return { status: response.status, headers: response.headers, text, json };
}

export async function openClient(url: string, token: string, options: ClientOptions): Promise<TestClient> {
  const headers = { authorization: `Bearer ${token}` };
  const socket = new WebSocket(url, 'aisleflow.v1', { headers, ...options });
  const kept: Message[] = [];
  const waiting: { fits: (message: Message) => boolean; resolve: (message: Message) => void }[] = [];
  socket.on('message', (data: Buffer) => {
    const message = JSON.parse(data.toString('utf8')) as Message;
    const index = waiting.findIndex(({ fits }) => fits(message));
    if (index < 0) kept.push(message);
    else waiting.splice(index, 1)[0]?.resolve(message);
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on('close', (code, reason) => resolve({ code, reason: reason.toString('utf8') }));
  });
  await new Promise<void>((resolve, reject) => {
    socket.on('open', resolve);
    socket.on('error', reject);
  });
  const next = (fits: string | ((message: Message) => boolean)): Promise<Message> => {
    const test = typeof fits === 'string' ? (message: Message) => message.type === fits : fits;
    const index = kept.findIndex(test);
    if (index >= 0) return Promise.resolve(kept.splice(index, 1)[0] as Message);
    return new Promise((resolve) => waiting.push({ fits: test, resolve }));
  };
  const send = (message: unknown): void => socket.send(JSON.stringify(message));
  return {
    ...{ socket, send, next, closed },
    ask(message, fits) {
      send(message);
      return next(fits);
    },
  };
}

/** The status line of a refused upgrade, or 101. */
export async function upgradeStatus(
  server: TestServer,
  path: string,
  options: ClientOptions,
  protocol?: string,
) {
  const socket = new WebSocket(
    `${server.url.replace('http', 'ws')}${path}`,
    protocol ?? 'aisleflow.v1',
    options,
  );
  return new Promise<number>((resolve, reject) => {
    socket.on('open', () => {
      socket.terminate();
      resolve(101);
    });
    socket.on('unexpected-response', (_request, response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    socket.on('error', reject);
  });
}

function sendRaw(port: number, bytes: string | Buffer): Promise<string> {
  return new Promise((resolve) => {
    const socket = connectSocket(port, '127.0.0.1');
    let answer = '';
    socket.on('data', (data) => (answer += data.toString('latin1')));
    socket.on('error', () => resolve(answer));
    socket.on('close', () => resolve(answer));
    socket.write(bytes);
  });
}
