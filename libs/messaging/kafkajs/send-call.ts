import type { SendVerdict } from '../broker.js';
import type { OutgoingMessage } from '../event-message.js';

/** Book-keeping of one `send`: what was decided about each message, and which keys may not go on. */
export class SendCall {
  private readonly decided: (SendVerdict | undefined)[];
  /** Index of the first rejected message of a key: those before it may still go, none after it. */
  private readonly barredFrom = new Map<string, number>();
  private failure: Error | undefined;

  constructor(readonly messages: readonly OutgoingMessage[]) {
    this.decided = Array.from({ length: messages.length });
  }

  mayGo(index: number): boolean {
    return this.failure === undefined && this.decided[index] === undefined && !this.isBarred(index);
  }

  acknowledge(index: number): void {
    this.decided[index] = { outcome: 'acknowledged' };
  }

  reject(index: number, code: 'too-large' | 'invalid', reason: string): void {
    // A message behind a rejected one of its key is held back, whatever is wrong with itself: it is looked at when its turn comes.
    if (this.isBarred(index)) return;
    this.decided[index] = { outcome: 'rejected', code, reason };
    this.barredFrom.set(this.keyOf(index), index);
  }

  fail(error: Error): void {
    this.failure ??= error;
  }

  verdicts(): SendVerdict[] {
    return this.decided.map((verdict, index) => {
      if (verdict !== undefined) return verdict;
      if (this.isBarred(index)) return { outcome: 'held-back' };
      return { outcome: 'failed', error: this.failure ?? new Error('not sent') };
    });
  }

  private isBarred(index: number): boolean {
    if (this.barredFrom.size === 0) return false;
    return index > (this.barredFrom.get(this.keyOf(index)) ?? Infinity);
  }

  private keyOf(index: number): string {
    const message = this.messages[index] as OutgoingMessage;
    if (message.key === null) return `#${index}`;
    return `${message.topic}|${typeof message.key === 'string' ? message.key : message.key.toString('latin1')}`;
  }
}
