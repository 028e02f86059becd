/**
 * What happened, step by step. The hash is kept of every seed (same seed, same hash: that is what replaying rests on), the lines only
 * when somebody wants to read them.
 */
export class Trace {
  readonly lines: string[] = [];
  private low = 0x811c9dc5;
  private high = 0x1b873593;

  constructor(private readonly keepsLines: boolean) {}

  /** @param at virtual milliseconds @param who process, or nothing for the world around */
  add(at: number, who: string, what: string): void {
    this.mix(what);
    this.low = Math.imul(this.low ^ (at | 0), 0x01000193);
    this.mix(who);
    if (this.keepsLines) this.lines.push(`${String(at).padStart(8)} ${who.padEnd(16)} ${what}`);
  }

  get hash(): string {
    return [this.low, this.high].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('');
  }

  private mix(text: string): void {
    let { low, high } = this;
    for (let i = 0; i < text.length; i += 1) {
      low = Math.imul(low ^ text.charCodeAt(i), 0x01000193);
      high = Math.imul(high ^ low, 0x85ebca6b) ^ (high >>> 13);
    }
    this.low = low;
    this.high = high;
  }
}
