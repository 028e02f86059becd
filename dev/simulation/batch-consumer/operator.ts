import { GapError, NotHeldError, PoisonEventError, PoisonMessageError, type BatchConsumerStrategy } from '#messaging';
import { isTransientDatabaseError } from '#platform';
import type { Kernel, SimulatedProcess } from '../kernel/kernel.js';
import type { DeadLetterSide, Letter } from './dead-letter-side.js';

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
    try {
      for (const streamId of [...this.deadLetters.parked.rows.keys()]) {
        await this.discard(strategy, (letter) => letter.streamId === streamId && letter.code !== 'stream-parked');
        await strategy.release(streamId, { by: 'operator' });
      }
    } catch (error) {
      // Tried again at the next look. That another request was quicker, or that poison came in meanwhile, is no harm.
      if (error instanceof PoisonEventError) {
        // What only waited behind poison may be poison itself: that shows when it is delivered.
        const { id } = error.event;
        await this.discard(strategy, (letter) => this.isOf(letter, id)).catch(() => undefined);
      }
      const understood = EXPECTED.some((type) => error instanceof type) || isTransientDatabaseError(error) || this.isExcused(error);
      if (!understood) this.puzzles.push(`an operator was told: ${String((error as Error).stack)}`);
      this.kernel.note(this.kernel.current, `operator: ${(error as Error).name}`);
    }
  }

  private async discard({ deadLetters }: BatchConsumerStrategy, isPoison: (letter: Letter) => boolean): Promise<void> {
    const held = [...this.deadLetters.letters.rows.values()].filter((letter) => letter.state === 'held' && isPoison(letter));
    for (const { id } of held) await deadLetters.discard(id, { by: 'operator' });
  }

  private isOf({ headers }: Letter, eventId: string): boolean {
    const [value = ''] = headers[Buffer.from('ce_id').toString('base64')] ?? [];
    return Buffer.from(value, 'base64').toString() === eventId;
  }

  private isExcused(error: unknown): boolean {
    const { name, message } = error as Error;
    return name.startsWith('KafkaJSConnection') || message === 'Cannot use a pool after calling end on the pool';
  }
}
