import { pino, type Logger } from 'pino';
import type { ServiceEvent } from '../domain/serviceContract.js';

export const LOG_LEVELS = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * JSON lines on standard error, so that standard output stays the command's own. The server logs no
 * headers and no queries; should a token get into an object all the same, it is struck out.
 */
export function createLogger(level: LogLevel, destination: NodeJS.WritableStream = process.stderr): Logger {
  const secret = [
    'authorization',
    'token',
    'headers.authorization',
    'req.headers',
    '*.authorization',
    '*.token',
  ];
  return pino(
    {
      level,
      base: null,
      redact: { paths: secret, censor: '[redacted]' },
      serializers: { err: pino.stdSerializers.err },
    },
    destination,
  );
}

/** What an operator wants to find in the log: weights taken back, a learner or upkeep that failed, and recoveries. */
export function logEvent(logger: Logger, { kind, ...event }: ServiceEvent): void {
  const isWarning = kind === 'policy.rolledBack' || kind === 'learner.failed' || kind === 'upkeep.failed';
  if (isWarning) logger.warn(event, kind);
  else if (kind === 'policy.resumed' || kind === 'learner.restarted') logger.info(event, kind);
}
