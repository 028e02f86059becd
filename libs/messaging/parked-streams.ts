/**
 * The parked streams of a group as one process knows them. Others park and release too, so it is read again whenever something
 * fails; what this process parks while it is being read is not lost.
 */
export class ParkedStreams {
  private known: Set<string> | undefined;
  private outdated = true;
  private changes = 0;
  private reading: Promise<void> | undefined;

  constructor(private readonly read: () => Promise<ReadonlySet<string>>) {}

  get size(): number {
    return this.known?.size ?? 0;
  }

  has(streamId: string): boolean {
    return this.known?.has(streamId) ?? false;
  }

  add(streamId: string): void {
    this.changes += 1;
    this.known?.add(streamId);
  }

  delete(streamId: string): void {
    this.changes += 1;
    this.known?.delete(streamId);
  }

  /** To be read again before it is used again. */
  expire(): void {
    this.changes += 1;
    this.outdated = true;
  }

  /** Reads them if that is due; callers at the same time share one read. */
  async refresh(): Promise<void> {
    if (!this.outdated) return;
    this.reading ??= this.readUntilCurrent().finally(() => (this.reading = undefined));
    await this.reading;
  }

  private async readUntilCurrent(): Promise<void> {
    while (this.outdated) {
      const { changes } = this;
      const read = new Set(await this.read());
      // It may be from before what changed meanwhile: once more.
      if (changes !== this.changes) continue;
      this.known = read;
      this.outdated = false;
    }
  }
}
