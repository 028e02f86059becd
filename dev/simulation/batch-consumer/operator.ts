import { GapError, NotHeldError, PoisonEventError, PoisonMessageError, type BatchConsumerStrategy } from '#messaging';
import { isTransientDatabaseError } from '#platform';
import type { Kernel, SimulatedProcess } from '../kernel/kernel.js';
import type { DeadLetterSide } from './dead-letter-side.js';

const LOOKS_EVERY_MS = 3_000;
const EXPECTED = [NotHeldError, PoisonEventError, PoisonMessageError, GapError];

/** Looks after dead letters through a running projector: discards the poison of a parked stream, then releases the stream. */
export class Operator {
  busy = false;
  /** What no operator would understand. */
  readonly puzzles: string[] = [];

  constructor(
    private readonly kernel: Kernel,
    private readonly deadLetters: DeadLetterSide,
    private readonly choose: () => { process: SimulatedProcess; app: { strategy: BatchConsumerStrategy } } | undefined,
  ) {}

  start(): void {
    this.kernel.schedule('operator looks', undefined, () => this.look(), LOOKS_EVERY_MS);
  }

  private look(): void {
    const chosen = this.deadLetters.parked.rows.size === 0 ? undefined : this.choose();
    if (chosen !== undefined) {
      this.busy = true;
      this.kernel.schedule('operator acts', chosen.process, () => void this.act(chosen.app.strategy).finally(() => (this.busy = false)));
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
      // Tried again at the next look. That another request was quicker, or that poison came in meanwhile, is no harm.
      if (error instanceof PoisonEventError) await this.discard(strategy, error.event.id).catch(() => undefined);
      const understood = EXPECTED.some((type) => error instanceof type) || isTransientDatabaseError(error) || this.isExcused(error);
      if (!understood) this.puzzles.push(`an operator was told: ${String((error as Error).stack)}`);
      this.kernel.note(this.kernel.current, `operator: ${(error as Error).name}`);
    }
  }

  /** What only waited behind poison may be poison itself: that shows when it is delivered. */
  private async discard({ deadLetters }: BatchConsumerStrategy, eventId: string): Promise<void> {
    for (const { id } of await deadLetters.list({ state: 'held', limit: 1_000 })) {
      const header = (await deadLetters.inspect(id))?.message.headers['ce_id'];
      if (String(header) === eventId) await deadLetters.discard(id, { by: 'operator' });
    }
  }

  private isExcused(error: unknown): boolean {
    const { name, message } = error as Error;
    return name.startsWith('KafkaJSConnection') || message === 'Cannot use a pool after calling end on the pool';
  }
}
