/** Whoever passes waits while it is closed. Closed twice, it has to be opened twice. */
export class Gate {
  private closed = 0;
  private readonly waiting = new Set<() => void>();

  /** Answers how to open it again; once. */
  close(): () => void {
    this.closed += 1;
    let open = false;
    return () => {
      if (open) return;
      open = true;
      this.closed -= 1;
      if (this.closed > 0) return;
      this.waiting.forEach((go) => go());
      this.waiting.clear();
    };
  }

  async pass(): Promise<void> {
    while (this.closed > 0) await new Promise<void>((resolve) => this.waiting.add(resolve));
  }

  /** For the end: nobody may wait any longer. */
  forceOpen(): void {
    this.closed = 0;
    this.waiting.forEach((go) => go());
    this.waiting.clear();
  }
}
