import { LIMITS } from '../domain/limits.js';
import { openSealedSegment, type Segment } from './segment.js';
import type { SegmentFile } from './segmentFiles.js';

/** Sealed segments are opened when they are asked for; a few stay open. */
export interface SegmentReaders {
  open(segment: SegmentFile): Segment;
  close(file: string): void;
  closeAll(): void;
}

export function createSegmentReaders(): SegmentReaders {
  const open = new Map<string, Segment>();
  const close = (file: string): void => {
    open.get(file)?.close();
    open.delete(file);
  };
  return {
    open({ file, first }) {
      const segment = open.get(file) ?? openSealedSegment(file, first);
      open.delete(file);
      open.set(file, segment);
      if (open.size > LIMITS.sealedSegmentsOpen) close(open.keys().next().value as string);
      return segment;
    },
    close,
    closeAll() {
      for (const file of [...open.keys()]) close(file);
    },
  };
}
