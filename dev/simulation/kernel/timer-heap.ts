export interface Due {
  /** Virtual milliseconds. */
  readonly at: number;
  /** Among those due at the same moment, first come, first served. */
  readonly sequence: number;
  cancelled: boolean;
}

/** What is due next, of anything that is due at some time. */
export class TimerHeap<Item extends Due> {
  private readonly items: Item[] = [];

  push(item: Item): void {
    const { items } = this;
    let index = items.push(item) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(item, items[parent] as Item)) break;
      items[index] = items[parent] as Item;
      index = parent;
    }
    items[index] = item;
  }

  /** The next one that nobody has cancelled. */
  peek(): Item | undefined {
    while (this.items[0]?.cancelled === true) this.removeFirst();
    return this.items[0];
  }

  pop(): Item | undefined {
    const first = this.peek();
    if (first !== undefined) this.removeFirst();
    return first;
  }

  private removeFirst(): void {
    const { items } = this;
    const last = items.pop() as Item;
    if (items.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && isBefore(items[child + 1] as Item, items[child] as Item)) child += 1;
      if (!isBefore(items[child] as Item, last)) break;
      items[index] = items[child] as Item;
      index = child;
    }
    items[index] = last;
  }
}

const isBefore = (a: Due, b: Due): boolean => a.at < b.at || (a.at === b.at && a.sequence < b.sequence);
