import { copyFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { LIMITS } from '../../src/domain/limits.js';
import { encodeRecord } from '../../src/journal/encoding.js';
import { openActiveSegment } from '../../src/journal/segment.js';
import { segmentFile, type SegmentFile } from '../../src/journal/segmentFiles.js';
import { createSegmentReaders } from '../../src/journal/segmentReaders.js';
import { cancelled, temporaryDirectory } from './support/records.js';

/** Sealed segments: copies of one, since each that is written costs four syncs. */
function writeSegments(count: number): SegmentFile[] {
  const directory = temporaryDirectory();
  const sealed = segmentFile(directory, 1);
  const segment = openActiveSegment(sealed.file, sealed.first);
  segment.insert([encodeRecord(cancelled(1))]);
  segment.seal();
  const copies = Array.from({ length: count - 1 }, (_, index) => segmentFile(directory, index + 2));
  for (const { file } of copies) copyFileSync(sealed.file, file);
  return [sealed, ...copies];
}

function startReaders() {
  const readers = createSegmentReaders();
  onTestFinished(() => readers.closeAll());
  return readers;
}

describe('sealed segments', () => {
  it('stay open from one look-up to the next in a journal of 7 GiB', () => {
    const segments = writeSegments((7 * 2 ** 30) / LIMITS.segmentBytes);
    const readers = startReaders();
    const first = segments.map((segment) => readers.open(segment));
    expect(segments.every((segment, index) => readers.open(segment) === first[index])).toBe(true);
  });

  it('hold no more of their files in memory than their limit', () => {
    const segments = writeSegments(1);
    const pragma = vi.spyOn(Database.prototype, 'pragma');
    onTestFinished(() => pragma.mockRestore());
    startReaders().open(segments[0]!);
    const database = pragma.mock.contexts.at(-1) as Database.Database;
    const kibibytes = -(database.pragma('cache_size', { simple: true }) as number);
    expect(kibibytes * 1024).toBe(LIMITS.sealedSegmentCacheBytes);
  });
});
