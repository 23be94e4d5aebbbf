/** Binary min-heap of items 0..size-1 with decrease-key; pop gives -1 when empty. */
export function createHeap(size: number) {
  const items = new Int32Array(size);
  const keys = new Float64Array(size);
  const position = new Int32Array(size).fill(-1);
  let count = 0;

  const siftUp = (from: number, item: number, key: number): void => {
    let slot = from;
    while (slot > 0) {
      const parent = (slot - 1) >> 1;
      const other = items[parent]!;
      if (keys[other]! <= key) break;
      items[slot] = other;
      position[other] = slot;
      slot = parent;
    }
    items[slot] = item;
    position[item] = slot;
  };

  return {
    clear() {
      for (let slot = 0; slot < count; slot++) position[items[slot]!] = -1;
      count = 0;
    },
    /** Adds an item, or lowers its key. */
    push(item: number, key: number) {
      keys[item] = key;
      siftUp(position[item]! >= 0 ? position[item]! : count++, item, key);
    },
    pop(): number {
      if (count === 0) return -1;
      const top = items[0]!;
      position[top] = -1;
      const item = items[--count]!;
      if (count === 0) return top;
      const key = keys[item]!;
      let slot = 0;
      for (;;) {
        let child = 2 * slot + 1;
        if (child >= count) break;
        if (child + 1 < count && keys[items[child + 1]!]! < keys[items[child]!]!) child++;
        const other = items[child]!;
        if (keys[other]! >= key) break;
        items[slot] = other;
        position[other] = slot;
        slot = child;
      }
      items[slot] = item;
      position[item] = slot;
      return top;
    },
  };
}
