import { isUtf8 } from 'node:buffer';
import { parse } from 'secure-json-parse';
import { wireError } from '../domain/errors.js';
import { LIMITS } from '../domain/limits.js';

/**
 * Parses what came over the wire, HTTP or WebSocket: UTF-8, no deeper than LIMITS.jsonDepth, of no more than
 * LIMITS.jsonValues and LIMITS.jsonFields, no `__proto__` or `constructor.prototype` keys.
 * @throws E_BAD_ENCODING naming which of them it was.
 */
export function parseWireJson(bytes: Buffer): unknown {
  if (!isUtf8(bytes)) throw wireError('E_BAD_ENCODING', { detail: 'the bytes are not UTF-8' });
  // Before parsing: a megabyte of brackets holds JSON.parse for 160 ms, one of `{},` or of many fields for 50.
  const detail = faultOf(bytes);
  if (detail !== null) throw wireError('E_BAD_ENCODING', { detail });
  const text = bytes.toString('utf8');
  try {
    return parse(text, { protoAction: 'error', constructorAction: 'error' });
  } catch (error) {
    throw wireError('E_BAD_ENCODING', { detail: (error as Error).message.slice(0, 120) }, error);
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;

/** What may stand outside of strings: structure, space, numbers, `true`, `false`, `null`. */
const OUTSIDE_STRINGS = new Uint8Array(256);
for (const byte of Buffer.from('{}[]:," \t\r\n+-.0123456789eEtrufalsn')) OUTSIDE_STRINGS[byte] = 1;

/**
 * Reads no further than the first that is too many, or than parsing gets: one message must not hold up the others for
 * longer than it may.
 */
function faultOf(bytes: Buffer): string | null {
  let depth = 0;
  let values = 0;
  let fields = 0;
  let inString = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (inString) {
      if (byte === BACKSLASH) i++;
      else if (byte === QUOTE) inString = false;
      continue;
    }
    if (byte === QUOTE) inString = true;
    else if (byte === COMMA) values++;
    else if (byte === COLON) fields++;
    else if (byte === 0x5b || byte === 0x7b) {
      values++;
      depth++;
    } else if (byte === 0x5d || byte === 0x7d) depth--;
    else if (OUTSIDE_STRINGS[byte!] === 0) return `byte ${i} cannot stand there in JSON`;
    if (depth > LIMITS.jsonDepth) return `it nests deeper than ${LIMITS.jsonDepth} levels`;
    if (fields > LIMITS.jsonFields) return `it holds more than ${LIMITS.jsonFields} fields`;
    if (values > LIMITS.jsonValues) return `it holds more than ${LIMITS.jsonValues} values`;
  }
  return null;
}
