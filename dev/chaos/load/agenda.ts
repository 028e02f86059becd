interface Entry {
  readonly at: number;
  readonly run: () => void;
  timer: NodeJS.Timeout | undefined;
}

/** What is to be done later. Halted, it does nothing any more and tells what is left. */
export class Agenda {
  private readonly entries = new Set<Entry>();
  private halted = false;

  after(ms: number, run: () => void): void {
    const entry: Entry = { at: Date.now() + ms, run, timer: undefined };
    this.entries.add(entry);
    if (!this.halted) entry.timer = setTimeout(() => this.do(entry), ms);
  }

  halt(): void {
    this.halted = true;
    for (const { timer } of this.entries) clearTimeout(timer);
  }

  /** Takes out what was not done, in the order of its time. */
  takeLeft(most: number): (() => void)[] {
    const left = [...this.entries].sort((one, other) => one.at - other.at).slice(0, most);
    for (const entry of left) this.entries.delete(entry);
    return left.map(({ run }) => run);
  }

  private do(entry: Entry): void {
    this.entries.delete(entry);
    entry.run();
  }
}
