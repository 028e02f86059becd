import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Operation, PaymentStatus } from '../../gateway/payment.js';
import type { BookEntry } from '../../gateway/payment-book.js';
import type { BookedPayment, GatewayBook } from '../../verify/gateway-book.js';

/** A payment as its entries in the gateway's book tell it, the last one first of all. */
export interface PaymentInBook extends BookedPayment {
  readonly token: string;
  /** How often it became each status: nothing may happen to a payment twice. */
  readonly became: Readonly<Partial<Record<PaymentStatus, number>>>;
}

/** The gateway's own book, read from its file: entries are folded as they come, and a half-written last line was never answered for. */
export class GatewayBookFile implements GatewayBook {
  private constructor(readonly byReference: ReadonlyMap<string, PaymentInBook>) {}

  static async read(path: string): Promise<GatewayBookFile> {
    const lines: AsyncIterable<string> = createInterface({ input: createReadStream(path), crlfDelay: Infinity });
    const entries = async function* (): AsyncGenerator<BookEntry> {
      let before: string | undefined;
      for await (const line of lines) {
        if (before !== undefined) yield JSON.parse(before) as BookEntry;
        before = line;
      }
      if (before?.endsWith('}')) yield JSON.parse(before) as BookEntry;
    };
    return GatewayBookFile.of(entries());
  }

  static async of(entries: AsyncIterable<Entry> | Iterable<Entry>): Promise<GatewayBookFile> {
    const payments = new Map<string, PaymentInBook>();
    for await (const { payment } of entries) {
      if (payment === null) continue;
      const { reference, status, amount, currency, token } = payment;
      const known = payments.get(reference);
      const became = { ...known?.became };
      if (known?.status !== status) became[status] = (became[status] ?? 0) + 1;
      payments.set(reference, { reference, status, amount, currency, token, became });
    }
    return new GatewayBookFile(payments);
  }

  async *payments(): AsyncGenerator<BookedPayment> {
    yield* this.byReference.values();
  }
}

export type Entry = Pick<BookEntry, 'payment'> & { readonly operation: Operation };
