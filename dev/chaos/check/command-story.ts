import { DomainError, normalizeSku } from '#domain';
import type { Answered, Intent, Sent } from '../history/history-record.js';

/** What the client asked for, as far as the store must show it. */
export type Asked =
  | {
      readonly intent: 'place-order';
      /** Minor units, by the client's own sum. */
      readonly total: number;
      readonly currency: string;
      readonly customerId: string;
      readonly paymentToken: string;
      /** SKU, pieces and price of each line, in order. */
      readonly lines: string;
    }
  | { readonly intent: 'cancel-order'; readonly orderId: string }
  | { readonly intent: 'receive-stock' | 'adjust-stock'; readonly sku: string; readonly pieces: number };

export interface Acceptance {
  readonly n: number;
  readonly at: number;
  readonly status: number;
  /** `<stream>@<version>` as answered. */
  readonly token: string;
  readonly commandId: string;
  /** The whole answer, to be compared with what repeats get. */
  readonly text: string;
}

/** Everything a client knows of one command, from the first time it was sent. */
export interface CommandStory {
  readonly key: string;
  readonly asked: Asked;
  readonly fingerprint: string | null;
  readonly sentAt: number;
  /** Where its first line is: file and number of the request. */
  readonly where: string;
  sends: number;
  accepted?: Acceptance;
  /** Refused for good. */
  refused?: { readonly n: number; readonly at: number; readonly status: number; readonly code: string; readonly text: string };
}

export function askedBy({ intent, path, body }: Pick<Sent, 'intent' | 'path' | 'body'>): Asked {
  const given = body ?? {};
  switch (intent) {
    case 'place-order': {
      const lines = given['lines'] as { sku: string; quantity: number; unitPrice: number }[];
      return {
        intent,
        total: lines.reduce((sum, { quantity, unitPrice }) => sum + quantity * unitPrice, 0),
        currency: String(given['currency']),
        customerId: String((given['customer'] as { id: string }).id),
        paymentToken: String(given['paymentToken']),
        lines: linesText(lines),
      };
    }
    case 'cancel-order':
      return { intent, orderId: path.split('/')[2]! };
    case 'receive-stock':
    case 'adjust-stock':
      return {
        intent,
        sku: skuOf(decodeURIComponent(path.split('/')[2]!)),
        pieces: Number(given[intent === 'receive-stock' ? 'quantity' : 'delta']),
      };
    default:
      throw new TypeError(`${intent satisfies Extract<Intent, `read-${string}`>} is no command`);
  }
}

export const linesText = (lines: readonly { sku: string; quantity: number; unitPrice: number }[]): string =>
  lines.map(({ sku, quantity, unitPrice }) => `${skuOf(sku)}×${quantity}@${unitPrice}`).join(' ');

function skuOf(raw: string): string {
  try {
    return normalizeSku(raw);
  } catch (error) {
    if (error instanceof DomainError) return raw;
    throw error;
  }
}

export function acceptanceOf({ n, at, status, body }: Answered): Acceptance {
  const text = (name: string): string => (typeof body?.[name] === 'string' ? (body[name] as string) : '');
  return { n, at, status, token: text('consistencyToken'), commandId: text('commandId'), text: JSON.stringify([status, body]) };
}

/** What was asked for in the words of {@link ClientEffect.says}, so that the two can be compared. */
export function saidBy(asked: Asked): string {
  switch (asked.intent) {
    case 'place-order':
      return `${asked.total} ${asked.currency} for ${asked.customerId} by ${asked.paymentToken}: ${asked.lines}`;
    case 'cancel-order':
      return `cancels ${asked.orderId}`;
    case 'receive-stock':
    case 'adjust-stock':
      return `${asked.pieces} of ${asked.sku}`;
  }
}

export const EFFECT_OF = {
  'place-order': 'OrderPlaced',
  'cancel-order': 'OrderCancelled',
  'receive-stock': 'StockReceived',
  'adjust-stock': 'StockAdjusted',
} as const satisfies Record<Asked['intent'], string>;
