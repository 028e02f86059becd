import { open, readFile, truncate, type FileHandle } from 'node:fs/promises';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Operation, Payment } from './payment.js';

export interface Answer {
  readonly status: number;
  readonly body: object;
}

export type BookEntry = DoneEntry | FailureEntry;

/** A failure that was asked for by the token: it counts, also after a restart, and is nobody's answer. */
export interface FailureEntry {
  /** ISO 8601 UTC. */
  readonly at: string;
  readonly operation: Operation;
  readonly payment: null;
  /** The merchant's reference. */
  readonly failedFor: string;
}

/** One operation that was done, with the answer its idempotency key gets for ever. */
export interface DoneEntry {
  /** ISO 8601 UTC. */
  readonly at: string;
  readonly operation: Operation;
  readonly idempotencyKey: string;
  /** Tells another request that uses the same key from a repeat. */
  readonly fingerprint: string;
  /** The payment as it was afterwards; null when the operation was refused without one. */
  readonly payment: Payment | null;
  readonly answer: Answer;
}

/**
 * The gateway's own books: JSON lines, only ever appended to.
 *
 * - An entry is answered for only after it is on disk; entries that arrive during one sync share the next.
 * - A half-written last line (killed while writing) was never answered for and is cut off at the next start; damage elsewhere is an error.
 * - When the disk refuses, `failed` rejects: the process should end rather than go on with books that lie.
 */
export class PaymentBook {
  readonly failed: Promise<never>;
  private fail!: (error: unknown) => void;
  private waiting: string[] = [];
  private writing: Promise<void> | undefined;

  private constructor(private readonly file: FileHandle) {
    this.failed = new Promise((_, reject) => (this.fail = reject));
    this.failed.catch(() => undefined);
  }

  static async open(path: string): Promise<{ book: PaymentBook; entries: BookEntry[] }> {
    mkdirSync(dirname(path), { recursive: true });
    const file = await open(path, 'a');
    const content = await readFile(path);
    const whole = content.lastIndexOf(0x0a) + 1;
    if (whole < content.length) await truncate(path, whole);
    const lines = content.subarray(0, whole).toString('utf8').split('\n').slice(0, -1);
    const entries = lines.map((line, index) => {
      try {
        return JSON.parse(line) as BookEntry;
      } catch (cause) {
        throw new Error(`the payment book ${path} is damaged at line ${index + 1}`, { cause });
      }
    });
    return { book: new PaymentBook(file), entries };
  }

  append(entry: BookEntry): void {
    this.waiting.push(`${JSON.stringify(entry)}\n`);
    this.writing ??= this.drain();
  }

  /** Resolves when everything appended so far is on disk. */
  async settled(): Promise<void> {
    await this.writing;
  }

  async close(): Promise<void> {
    await this.settled();
    await this.file.close();
  }

  private async drain(): Promise<void> {
    try {
      while (this.waiting.length > 0) {
        const batch = this.waiting.join('');
        this.waiting = [];
        await this.file.appendFile(batch);
        await this.file.datasync();
      }
      this.writing = undefined;
    } catch (error) {
      // `writing` stays rejected: nothing will be answered for any more.
      this.fail(error);
      throw error;
    }
  }
}
