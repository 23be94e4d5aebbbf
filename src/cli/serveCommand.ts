import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import closeWithGrace from 'close-with-grace';
import type { Command } from 'commander';
import type { Logger } from 'pino';
import { AppError, isAppError } from '../domain/errors.js';
import { LIMITS } from '../domain/limits.js';
import type { RoutingService, ServiceObserver } from '../domain/serviceContract.js';
import { wallClock } from '../platform/clock.js';
import { letHeapDouble } from '../platform/garbage.js';
import { MAP_HELP } from '../platform/mapHelp.js';
import { openTokenFile } from '../registry/tokenFile.js';
import { createLogger } from '../server/logging.js';
import { createMetrics, type QueueDepths } from '../server/metrics.js';
import type { TlsMaterial } from '../server/http/httpServer.js';
import { checkListening } from '../server/listening.js';
import { createServer, type AisleflowServer } from '../server/server.js';
import { FAILURE_HELP, reportingFailure } from './failure.js';
import { packageVersion } from './packageFiles.js';
import { startedAsJson, startedAsText } from './serveBanner.js';
import { readSettings, type ServeOptions, type ServeSettings } from './serveSettings.js';

/** A service that runs, put together in the composition root. */
export interface RunningService {
  readonly service: RoutingService;
  /** The TF.js backend that trains. */
  readonly backend: string;
  readonly queueDepths: QueueDepths;
}

/**
 * Opens journal, registry and service. `onFatal` is told when the process must stop at once.
 * @throws AppError where they cannot be opened
 */
export type OpenService = (
  settings: ServeSettings,
  wiring: {
    readonly observer: ServiceObserver;
    readonly logger: Logger;
    readonly onFatal: (error: unknown) => void;
  },
) => Promise<RunningService>;

const HELP = `${FAILURE_HELP}

Every option can be set in the environment: AISLEFLOW_HOST, _PORT, _DATA, _MAPS (comma-separated), _MODE, _POLICY,
_PRICE, _COLD, _LEARNER, _DRIVEN_CLOCK, _JOURNAL_DAYS, _JOURNAL_GIGABYTES, _TF_BACKEND, _LOG_LEVEL, _ALLOWED_ORIGINS, _TLS_CERT, _TLS_KEY. Options come first.

Examples:
  aisleflow serve
  aisleflow serve --port 0 --json
  aisleflow serve --host 0.0.0.0 --data /var/lib/aisleflow --map north.json south.json --policy each
  AISLEFLOW_TF_BACKEND=wasm aisleflow serve --mode observe`;

/** Adds `serve`. The program ends with the server, at SIGTERM or SIGINT. */
export function addServeCommand(program: Command, openService: OpenService): void {
  program
    .command('serve')
    .description('run the server: HTTP under /v1, WebSocket at /v1/ws, documentation at /docs')
    .option('--port <n>', 'port; 0 for any free one (default: 8080)')
    .option('--host <address>', 'address to listen on (default: 127.0.0.1, this machine only)')
    .option('--data <directory>', 'journal, policies and tokens (default: .data)')
    .option(
      '--map <maps...>',
      `warehouses to serve, each a ${MAP_HELP}; a comma parts them, too (default: all that come with it)`,
    )
    .option('--mode <mode>', 'off, observe, shadow, learn or frozen, for new warehouses (default: learn)')
    .option('--policy <scope>', 'shared by all warehouses, or one for each (default: shared)')
    .option('--price <source>', 'policy, or flow: a hand-made price to compare with (default: policy)')
    .option('--cold', 'start without the policies that come with the program')
    .option('--learner <where>', 'thread, or inline: within each tick, to repeat itself (default: thread)')
    .option('--driven-clock', 'clocks that only an operator drives, from 0: for simulations')
    .option('--journal-days <n>', 'drop journal records older than this; 0 keeps all (default: 0)')
    .option('--journal-gigabytes <n>', 'drop the oldest above this size; 0 keeps all (default: 0)')
    .option('--tf-backend <name>', 'insist on tensorflow, wasm or cpu (default: the best that works)')
    .option('--log-level <level>', 'silent to trace, on standard error (default: info)')
    .option('--allow-origin <origins...>', 'browser pages that may open the WebSocket (default: none)')
    .option('--tls-cert <file>', 'PEM certificate with its chain: serves https and wss; needs --tls-key')
    .option('--tls-key <file>', 'PEM private key of the certificate')
    .option('--json', 'print one JSON line once ready: {url, tokens, warehouses, ...}')
    .addHelpText('after', HELP)
    .action(
      reportingFailure((options: ServeOptions & { readonly json?: true }) => serve(options, openService)),
    );
}

async function serve(
  options: ServeOptions & { readonly json?: true },
  openService: OpenService,
): Promise<void> {
  letHeapDouble();
  const settings = readSettings(options, process.env);
  const tls = settings.tls === null ? {} : { tls: readTls(settings.tls) };
  const logger = createLogger(settings.logLevel);
  const onFatal = (error: unknown): void => {
    logger.fatal({ err: error }, 'the process stops: what it holds cannot be trusted any more');
    process.exit(1);
  };
  // What a start writes lasts, the mode of its warehouses above all.
  await checkListening(settings.host, settings.port);
  const metrics = createMetrics();
  const running = await openService(settings, { observer: metrics.observer, logger, onFatal });
  const { service, backend } = running;
  let server: AisleflowServer | undefined;
  const close = async (): Promise<void> => {
    await server?.close();
    await service.close();
  };
  try {
    metrics.addQueues(running.queueDepths);
    const tokens = openTokenFile({ directory: settings.dataDirectory, clock: wallClock });
    const version = packageVersion();
    server = await createServer({
      ...{ service, tokens, metrics, logger, version, host: settings.host, port: settings.port },
      policyIsShared: settings.policies === 'shared',
      allowedOrigins: settings.allowedOrigins,
      ...tls,
      // Broken invariants are not served on: stop, start again from the journal.
      onDefect: (error) => {
        if (isAssertion(error)) onFatal(error);
      },
    });
    const { url } = await server.listen();
    // Making them waits for whoever is changing the file: only where it may hold none.
    const firstTokens = tokens.records().length === 0 ? tokens.issueFirst() : [];
    // A start that fails behind this would end like a stop, with 0.
    stopGracefully(logger, close);
    const modeAsked = options.mode ?? process.env['AISLEFLOW_MODE'];
    const warehouses = service.warehouses();
    const report = { version, url, backend, settings, modeAsked, warehouses, firstTokens };
    console.log(options.json === true ? startedAsJson(report) : startedAsText(report));
    tellWhatStays(logger, service, modeAsked);
    logger.info({ url, backend }, 'ready');
  } catch (error) {
    await close();
    throw error;
  }
}

/** What the data directory says counts more than options and map files. */
function tellWhatStays(logger: Logger, service: RoutingService, asked: string | undefined): void {
  for (const { warehouseId, mode } of service.warehouses()) {
    if (asked !== undefined && mode !== asked)
      logger.warn(
        { warehouseId, mode, asked },
        'the mode that was last set stays; --mode is for new warehouses',
      );
    const { routes } = service.openRoutes(warehouseId, { held: true });
    const lost = routes.filter(({ heldBecause }) => heldBecause === 'otherMap').length;
    if (lost > 0)
      logger.warn({ warehouseId, routes: lost }, 'the map is not that of these routes: cancel them');
  }
  for (const damaged of service.damagedPolicies())
    logger.warn(damaged, 'what the policies directory has there is damaged: see docs/operations.md');
  for (const { warehouseId, openRoutes } of service.dormantWarehouses())
    logger.warn(
      { warehouseId, openRoutes },
      'the data has this warehouse, but no map of it is served: its robots are refused',
    );
}

/** @throws E_CONFIG where the files cannot be read or do not go together */
function readTls({ certFile, keyFile }: NonNullable<ServeSettings['tls']>): TlsMaterial {
  try {
    const material = { cert: readFileSync(certFile), key: readFileSync(keyFile) };
    createSecureContext(material);
    return material;
  } catch (error) {
    throw new AppError(
      'E_CONFIG',
      { detail: `TLS with ${certFile} and ${keyFile}: ${(error as Error).message}` },
      error,
    );
  }
}

function stopGracefully(logger: Logger, close: () => Promise<void>): void {
  const delay = LIMITS.stopGraceSeconds * 1000;
  closeWithGrace(
    { delay, logger: false, onTimeout: () => logger.error('the stop took too long') },
    async (cause) => {
      if (cause.err !== undefined) {
        logger.fatal({ err: cause.err }, 'stopping: something broke that should not');
        // What such a stop would save must not outlive it.
        if (isAssertion(cause.err)) process.exit(1);
      } else logger.info({ signal: cause.signal }, 'stopping');
      await close();
      logger.info('stopped');
    },
  );
}

function isAssertion(error: unknown): boolean {
  const code = isAppError(error) ? error.code : (error as { code?: unknown } | null)?.code;
  return code === 'ERR_ASSERTION' || code === 'E_JOURNAL_FAILED';
}
