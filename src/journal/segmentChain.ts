import { rmSync, statSync } from 'node:fs';
import { AppError } from '../domain/errors.js';
import type { MarkedRange } from './highWaterMark.js';
import { openActiveSegment, openSealedSegment, type ActiveSegment } from './segment.js';
import { companions, listSegments, segmentFile, type SegmentFile } from './segmentFiles.js';
import { corrupt, withDirectoryErrors } from './sqliteErrors.js';

/** A sealed segment, as retention sees it. */
export interface SealedSegment {
  readonly first: number;
  readonly last: number;
  readonly bytes: number;
  /** Of the wall's clock. */
  readonly sealedAt: number;
}

/** The segments of a journal, each beginning where the one before it ends. */
export interface SegmentChain {
  readonly sealed: SealedFile[];
  readonly active: ActiveSegment;
}
export interface SealedFile extends SealedSegment {
  readonly file: string;
}

/**
 * Opens the chain of a directory's segments, and removes those before `first`.
 *
 * @throws E_DATA_DIRECTORY another server has it open
 * @throws E_JOURNAL_CORRUPT a segment is missing, or the chain ends before `last`
 */
export function openSegmentChain(
  directory: string,
  files: readonly SegmentFile[],
  { first, last }: MarkedRange,
): SegmentChain {
  // What retention was about to remove when the process ended.
  const kept = files.filter((_file, index) => (files[index + 1]?.first ?? Infinity) > first);
  for (const { file } of files.filter((candidate) => !kept.includes(candidate))) removeSegment(file);
  const newest = kept.at(-1) ?? segmentFile(directory, first);
  if (last >= first && (kept[0]?.first ?? Infinity) > first) throw corrupt(first, 'its segment is missing');
  const active = withDirectoryErrors(directory, () => openActiveSegment(newest.file, newest.first));
  try {
    // Another server began the next segment, and gave this one free, while it was opened.
    const isNewest = (listSegments(directory).at(-1)?.first ?? newest.first) === newest.first;
    if (!isNewest)
      throw new AppError('E_DATA_DIRECTORY', { directory, detail: 'another server has it open' });
    const sealed = kept
      .slice(0, -1)
      .map((file, index) => sealedFile(file, (kept[index + 1] as SegmentFile).first));
    if (active.last() < last) {
      throw corrupt(
        active.last() + 1,
        `the journal ends before it, but records up to ${last} were acknowledged`,
      );
    }
    return { sealed, active };
  } catch (error) {
    active.close();
    throw error;
  }
}

export function removeSegment(file: string): void {
  for (const name of [file, ...companions(file)]) rmSync(name, { force: true });
}

/** Seals a segment that is not yet. @throws E_JOURNAL_CORRUPT it does not reach to where the next one begins */
export function sealedFile({ file, first }: SegmentFile, nextFirst: number): SealedFile {
  // The process ended between the last commit and the seal.
  if (companions(file).length > 0) openActiveSegment(file, first).seal();
  const segment = openSealedSegment(file, first);
  const last = segment.last();
  const bytes = segment.bytes();
  segment.close();
  if (last !== nextFirst - 1)
    throw corrupt(last + 1, `its segment ends before it, and the next begins at ${nextFirst}`);
  return { file, first, last, bytes, sealedAt: statSync(file).mtimeMs };
}
