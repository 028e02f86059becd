/** Waiting that can be cut short. A wake-up that comes while nobody waits is kept for the next `wait`. */
export class WakeUp {
  #pending = false;
  #end: (() => void) | undefined;

  wake(): void {
    this.#pending = true;
    this.#end?.();
  }

  /** Until woken, or `ms` have passed. Returns at once when there was a wake-up since the last wait. */
  async wait(ms: number): Promise<void> {
    if (!this.#pending) await this.#sleep(ms, () => true);
    this.#pending = false;
  }

  /** For `ms`, whether woken or not, unless a wake-up comes when `cancelled` is true. Keeps wake-ups for the next wait. */
  async pause(ms: number, cancelled: () => boolean = () => false): Promise<void> {
    if (!cancelled()) await this.#sleep(ms, cancelled);
  }

  async #sleep(ms: number, mayEnd: () => boolean): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#end = () => {
        if (!mayEnd()) return;
        clearTimeout(timer);
        resolve();
      };
    });
    this.#end = undefined;
  }
}
