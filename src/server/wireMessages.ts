import { Compile, type Validator } from 'typebox/compile';
import { AppError, wireError, type ErrorReferences } from '../domain/errors.js';
import { FROM_FLEET, type ErrorMessageContent, type FromFleetMessage } from '../domain/messages.js';
import { LIMITS } from '../domain/limits.js';
import { schemaFault, schemaFaults } from './schemaFault.js';
import { parseWireJson } from './wireJson.js';

const VALIDATORS = new Map<unknown, Validator>(
  Object.entries(FROM_FLEET).map(([type, schema]) => [type, Compile(schema)]),
);

/** What a refusal refers to, as far as it could be read. */
const REFERENCE_FIELDS = ['requestId', 'routeId', 'robotId'] as const;

const UNEXPLAINED = `it does not fit, and what is wrong is told of ${LIMITS.faultsExplainedPerSecond} messages a second`;

export type ReadMessage =
  | { readonly kind: 'message'; readonly message: FromFleetMessage }
  | { readonly kind: 'refused'; readonly error: AppError; readonly references: ErrorReferences };

/**
 * Reads one WebSocket message of a fleet; what does not fit is refused with what it referred to, and told where it does
 * not fit if `explains()`.
 */
export function readMessage(bytes: Buffer, isBinary: boolean, explains: () => boolean): ReadMessage {
  let value: unknown;
  try {
    if (isBinary) throw wireError('E_BAD_ENCODING', { detail: 'it came as a binary frame' });
    value = parseWireJson(bytes);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { kind: 'refused', error, references: {} };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return refused(value, 'a message is one JSON object');
  const type = fieldOf(value, 'type');
  const validator = VALIDATORS.get(type);
  if (validator === undefined) {
    const known = Object.keys(FROM_FLEET).join(', ');
    return refused(value, `its type is not one of ${known}`);
  }
  if (validator.Check(value)) return { kind: 'message', message: value as FromFleetMessage };
  return refused(value, explains() ? schemaFault(schemaFaults(validator, value)) : UNEXPLAINED);
}

function refused(value: unknown, detail: string): ReadMessage {
  return {
    kind: 'refused',
    error: wireError('E_BAD_MESSAGE', { detail }),
    references: referencesOf(value),
  };
}

/** The ids that a message carries, valid or not, short enough to send back. */
export function referencesOf(value: unknown): ErrorReferences {
  const references: Record<string, string> = {};
  for (const name of REFERENCE_FIELDS) {
    const id = fieldOf(value, name);
    if (typeof id === 'string') references[name] = id.slice(0, 64);
  }
  return references;
}

function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}

/** The wire's refusal: what the message referred to first, then what the error knows. */
export function errorMessage(error: AppError, references: ErrorReferences = {}): ErrorMessageContent {
  return {
    type: 'error',
    code: error.code,
    message: error.message,
    references: { ...references, ...error.references },
  };
}
