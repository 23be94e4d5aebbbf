import { crc32 } from 'node:zlib';
import { AppError } from '../domain/errors.js';
import { LIMITS } from '../domain/limits.js';
import type { JournalRecord, NewRecord } from './records.js';

/** A record as it is stored: payload as JSON text, and the route that it concerns for look-ups. */
export interface EncodedRecord {
  readonly at: number;
  readonly warehouseId: string;
  readonly kind: string;
  readonly routeId: string | null;
  readonly payload: string;
  readonly blob: Uint8Array | null;
}
export interface StoredRecord extends EncodedRecord {
  readonly sequence: number;
}

/**
 * @throws RangeError for a number that JSON cannot carry (it would come back as null)
 * @throws E_TOO_LARGE above `LIMITS.journalRecordBytes`
 */
export function encodeRecord(record: NewRecord): EncodedRecord {
  assertFinite(record.payload, record.kind);
  const payload = JSON.stringify(record.payload);
  // A copy: the caller may reuse its buffer, and sending a view to the worker would clone all that lies behind it.
  const blob = record.blob === undefined || record.blob === null ? null : record.blob.slice();
  const encoded = {
    at: record.at,
    warehouseId: record.warehouseId,
    kind: record.kind,
    routeId: 'routeId' in record.payload ? record.payload.routeId : null,
    payload,
    blob,
  };
  if (encodedBytes(encoded) > LIMITS.journalRecordBytes) {
    throw new AppError('E_TOO_LARGE', { limit: LIMITS.journalRecordBytes });
  }
  return encoded;
}

/** What the record weighs in queues, about: UTF-16 units of the payload and bytes of the blob. */
export function encodedBytes(record: EncodedRecord): number {
  return record.payload.length + (record.blob?.byteLength ?? 0);
}

/** Whoever wrote the text checked its types; the checksum says that it is still that text. */
export function decodeRecord(stored: StoredRecord): JournalRecord {
  const { sequence, at, warehouseId, kind, blob } = stored;
  return {
    sequence,
    at,
    warehouseId,
    kind,
    payload: JSON.parse(stored.payload) as unknown,
    blob,
  } as JournalRecord;
}

/**
 * CRC-32 over every field: finds any single flipped bit and any burst up to 32 bits. It guards
 * against bad media, not against forgers.
 */
export function recordChecksum(record: StoredRecord): number {
  const { sequence, at, warehouseId, kind, routeId, payload, blob } = record;
  const head = JSON.stringify([
    sequence,
    at,
    warehouseId,
    kind,
    routeId,
    payload.length,
    blob?.byteLength ?? null,
  ]);
  const text = crc32(payload, crc32(head));
  return blob === null ? text : crc32(blob, text);
}

/** Whether a row is the record that was written; a damaged page may hold any type in any column. */
export function isIntact(row: StoredRecord & { readonly checksum: number }): boolean {
  const payload: unknown = row.payload;
  const blob: unknown = row.blob;
  if (typeof payload !== 'string' || (blob !== null && !(blob instanceof Uint8Array))) return false;
  return recordChecksum(row) === row.checksum;
}

function assertFinite(value: unknown, path: string): void {
  if (typeof value === 'number') {
    if (!Number.isFinite(value))
      throw new RangeError(`${path} is ${value}: the journal takes finite numbers only`);
  } else if (Array.isArray(value)) {
    for (const item of value) assertFinite(item, path);
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) assertFinite(item, `${path}.${key}`);
  }
}
