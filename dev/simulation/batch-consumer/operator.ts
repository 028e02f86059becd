import { NotHeldError, type BatchConsumerStrategy } from '#messaging';
import type { Kernel, SimulatedProcess } from '../kernel/kernel.js';
import type { DeadLetterSide } from './dead-letter-side.js';

const LOOKS_EVERY_MS = 3_000;

/** Looks after dead letters through a running projector: discards the poison of a parked stream, then releases the stream. */
export class Operator {
  busy = false;

  constructor(
    private readonly kernel: Kernel,
    private readonly deadLetters: DeadLetterSide,
    private readonly choose: () => { process: SimulatedProcess; strategy: BatchConsumerStrategy } | undefined,
  ) {}

  start(): void {
    this.kernel.schedule('operator looks', undefined, () => this.look(), LOOKS_EVERY_MS);
  }

  private look(): void {
    const chosen = this.deadLetters.parked.rows.size === 0 ? undefined : this.choose();
    if (chosen !== undefined) {
      this.busy = true;
      this.kernel.schedule('operator acts', chosen.process, () => void this.act(chosen.strategy).finally(() => (this.busy = false)));
      // Whoever was asked may die over it.
      this.kernel.schedule('operator gives up waiting', undefined, () => (this.busy = false), LOOKS_EVERY_MS - 1);
    }
    this.start();
  }

  private async act(strategy: BatchConsumerStrategy): Promise<void> {
    const { deadLetters } = strategy;
    try {
      for (const { streamId } of await deadLetters.parked()) {
        const held = await deadLetters.list({ streamId, state: 'held', limit: 1_000 });
        for (const { id, code } of held) if (code !== 'stream-parked') await deadLetters.discard(id, { by: 'operator' });
        await strategy.release(streamId, { by: 'operator' });
      }
    } catch (error) {
      // Tried again at the next look; that another request was quicker is no harm.
      this.kernel.note(this.kernel.current, `operator: ${error instanceof NotHeldError ? 'not held' : String((error as Error).name)}`);
    }
  }
}
