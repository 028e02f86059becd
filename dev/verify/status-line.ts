const ON_A_TERMINAL_MS = 200;
const IN_A_LOG_MS = 5_000;

/** What is being done just now: one line that updates itself on a terminal, a line every five seconds elsewhere. */
export class StatusLine {
  private shownAt = Date.now();
  private visible = false;

  constructor(private readonly output: { write(text: string): unknown; readonly isTTY?: boolean }) {}

  show(text: string): void {
    if (Date.now() - this.shownAt < (this.output.isTTY ? ON_A_TERMINAL_MS : IN_A_LOG_MS)) return;
    this.shownAt = Date.now();
    this.visible = true;
    this.output.write(this.output.isTTY ? `\r\x1b[2K${text}` : `${text}\n`);
  }

  clear(): void {
    if (this.visible && this.output.isTTY) this.output.write('\r\x1b[2K');
    this.visible = false;
  }
}
