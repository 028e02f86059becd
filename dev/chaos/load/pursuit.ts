import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { isFinal } from '../history/final-answer.js';
import type { Answered, Attempt } from '../history/history-record.js';
import type { Random } from './random.js';
import type { CommandRequest } from './request.js';
import type { Wire } from './wire.js';

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;

/**
 * Commands that wait for their final answer. One that got none, or only one that passes, is sent again with the same key, until it is
 * answered or the load stops; then it is kept for {@link settle}. A command is never given up while anybody could still doubt it.
 */
export class Pursuit {
  private readonly open = new Map<string, CommandRequest>();
  private readonly stopping = new AbortController();

  constructor(
    private readonly wire: Wire,
    /** Requests that may be without an answer at once. */
    private readonly concurrency: number,
    private readonly onFinal: (answer: Answered) => void,
  ) {
    // One listener for every command that waits.
    setMaxListeners(0, this.stopping.signal);
  }

  get size(): number {
    return this.open.size;
  }

  /** The final answer; undefined when the load stopped before it came. */
  async pursue(request: CommandRequest, random: Random, first: Attempt = 'first', hangUpAfterMs?: number): Promise<Answered | undefined> {
    this.open.set(request.key, request);
    let answer = await this.wire.command(request, first, hangUpAfterMs);
    for (let attempt = 1; !this.isSettled(request, answer); attempt += 1) {
      await this.pause(attempt, answer?.retryAfter, random);
      if (this.stopping.signal.aborted) return undefined;
      answer = await this.wire.command(request, 'retry');
    }
    return answer;
  }

  /** No more repeats from here on. */
  stop(): void {
    this.stopping.abort();
  }

  /** Asks for every answer that is still missing, until all are there or the time is over; how many are not. */
  async settle(untilMs: number, random: Random): Promise<number> {
    const waiting = [...this.open.values()].values();
    const lane = async (): Promise<void> => {
      for (const request of waiting) {
        for (let attempt = 0; Date.now() < untilMs; attempt += 1) {
          const answer = await this.wire.command(request, 'retry');
          if (this.isSettled(request, answer)) break;
          await delay(pauseMs(attempt, answer?.retryAfter, random));
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(32, this.concurrency) }, lane));
    return this.open.size;
  }

  private isSettled({ key }: CommandRequest, answer: Answered | undefined): boolean {
    if (answer === undefined || !isFinal(answer)) return false;
    // Two of one key may be under way, and both be answered: it is one command.
    if (this.open.delete(key)) this.onFinal(answer);
    return true;
  }

  private async pause(attempt: number, retryAfter: number | undefined, random: Random): Promise<void> {
    const { signal } = this.stopping;
    do await delay(pauseMs(attempt, retryAfter, random), undefined, { signal }).catch(() => undefined);
    while (this.wire.inFlight >= this.concurrency && !signal.aborted);
  }
}

/** Half of the pause is random, so that those who were cut off together do not come back together. */
function pauseMs(attempt: number, retryAfter: number | undefined, random: Random): number {
  const backoff = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt) * (0.5 + random.next() / 2);
  return Math.max(backoff, Math.min(retryAfter ?? 0, 5) * 1_000);
}
