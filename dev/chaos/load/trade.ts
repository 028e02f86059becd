import type { Random } from './random.js';
import { commandRequest, type CommandRequest } from './request.js';

/** What is asked of the payment gateway's simulator, by weight. */
const PAYMENT_TOKENS: readonly (readonly [number, (random: Random) => string])[] = [
  [820, () => 'tok_ok'],
  [50, () => 'tok_declined'],
  [15, () => 'tok_declined_expired-card'],
  [15, () => 'tok_pass_then_fail_capture'],
  [20, (random) => `tok_slow_${random.between(200, 3_000)}`],
  [4, (random) => `tok_slow_${random.between(5_500, 9_000)}`],
  [6, (random) => `tok_late_${random.between(200, 2_500)}`],
  [2, (random) => `tok_late_${random.between(5_500, 8_000)}`],
  [16, (random) => `tok_fail_${random.between(1, 3)}`],
  [13, () => 'tok_noanswer_authorize'],
  [13, () => 'tok_noanswer_capture'],
  [13, () => 'tok_noanswer_void'],
  [13, () => 'tok_noanswer_refund'],
];

const ORDINARY = 60;
const PRICES = [42, 85, 165, 255, 295, 425, 795, 1_250];
const COUNTRIES = ['United Kingdom', 'France', 'Germany', 'EIRE', null];

export interface TradeOptions {
  readonly seed: number;
  /** First part of every key and SKU of this load, so that loads of one database do not meet. */
  readonly name: string;
}

/**
 * What clients ask for: orders over ordinary SKUs, over a few hot ones that everybody wants, and over scarce ones that keep running
 * out; cancellations; stock. Every command names its key in its own data, so that its event can be found in the store by the key alone.
 */
export class Trade {
  readonly hot: readonly string[];
  readonly scarce: readonly string[];
  readonly ordinary: readonly string[];

  constructor(private readonly options: TradeOptions) {
    const sku = (kind: string, index: number): string => `${options.name}-${kind}${index}`.toUpperCase();
    this.hot = [1, 2, 3].map((index) => sku('HOT', index));
    this.scarce = [1, 2, 3, 4].map((index) => sku('RARE', index));
    this.ordinary = Array.from({ length: ORDINARY }, (_, index) => sku('SKU', index + 1));
  }

  key(kind: string, index: number | string): string {
    return `${this.options.name}-${kind}-${index}`;
  }

  opening(): CommandRequest[] {
    const receipt = (sku: string, quantity: number): CommandRequest => this.receipt(this.key('opening', sku), sku, quantity);
    return [
      ...this.hot.map((sku) => receipt(sku, 2_000_000)),
      ...this.ordinary.map((sku) => receipt(sku, 200_000)),
      ...this.scarce.map((sku) => receipt(sku, 25)),
    ];
  }

  order(key: string, random: Random): CommandRequest {
    const lines = Array.from(
      {
        length: random.weighted([
          [50, 1],
          [25, 2],
          [15, 3],
          [8, 5],
          [2, 12],
        ] as const),
      },
      () => ({
        sku: this.anySku(random),
        quantity: random.between(1, 4),
        unitPrice: random.of(PRICES),
      }),
    );
    // The same SKU twice in one order, at another price; and spelled as people do.
    if (random.chance(0.15)) lines.push({ ...lines[0]!, quantity: random.between(1, 3), unitPrice: random.of(PRICES) });
    if (random.chance(0.05)) lines[0] = { ...lines[0]!, sku: ` ${lines[0]!.sku.toLowerCase()} ` };
    return this.orderOf(key, lines, random.weighted(PAYMENT_TOKENS)(random), random);
  }

  /** One piece of one SKU, paid for. */
  singlePiece(key: string, sku: string, random: Random): CommandRequest {
    return this.orderOf(key, [{ sku, quantity: 1, unitPrice: 255 }], 'tok_ok', random);
  }

  cancellation(key: string, orderId: string): CommandRequest {
    return commandRequest('cancel-order', key, `/orders/${orderId}/cancel`, { reason: key });
  }

  receipt(key: string, sku: string, quantity: number): CommandRequest {
    return commandRequest('receive-stock', key, `/stock/${encodeURIComponent(sku)}/receipts`, { quantity, reference: key });
  }

  adjustment(key: string, sku: string, delta: number): CommandRequest {
    return commandRequest('adjust-stock', key, `/stock/${encodeURIComponent(sku)}/adjustments`, { delta, reason: key });
  }

  /** The same key, another payload. */
  misuse({ intent, key, path, body }: CommandRequest, random: Random): CommandRequest {
    switch (intent) {
      case 'place-order':
        return commandRequest(intent, key, path, {
          ...body,
          paymentToken: 'tok_ok',
          lines: [{ sku: this.hot[0]!, quantity: 99, unitPrice: 1 }],
        });
      case 'receive-stock':
        return commandRequest(intent, key, path, { ...body, quantity: Number(body['quantity']) + random.between(1, 9) });
      case 'adjust-stock':
        return commandRequest(intent, key, path, { ...body, delta: Number(body['delta']) + 1_000 });
      case 'cancel-order':
        return commandRequest(intent, key, path, { reason: `${key} and another reason` });
    }
  }

  anySku(random: Random): string {
    return random.of(
      random.weighted([
        [70, this.ordinary],
        [26, this.hot],
        [4, this.scarce],
      ] as const),
    );
  }

  private orderOf(key: string, lines: readonly object[], paymentToken: string, random: Random): CommandRequest {
    const customer = random.chance(0.2) ? `guest-${key}` : `${this.options.name}-customer-${random.between(1, 400)}`;
    return commandRequest('place-order', key, '/orders', {
      reference: key,
      customer: { id: customer, country: random.of(COUNTRIES) },
      currency: random.chance(0.95) ? 'GBP' : 'EUR',
      lines,
      paymentToken,
    });
  }
}
