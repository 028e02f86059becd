import { setTimeout as delay } from 'node:timers/promises';
import type { StackUrls } from './stack-file.js';

/** How long a sample order may take before we say that it did not end, milliseconds. */
const PATIENCE_MS = 30_000;
const POLL_MS = 10;

export interface SampleResult {
  readonly orderId: string;
  /** What the person at the terminal shall have seen. */
  readonly story: string;
  readonly status: string;
  readonly because: string;
  /** From sending the order until query-api told how it ended; milliseconds. */
  readonly durationMs: number;
  readonly asExpected: boolean;
}

interface Sample {
  readonly story: string;
  readonly expected: 'confirmed' | 'rejected' | 'cancelled';
  readonly paymentToken: string;
  readonly lines: ReadonlyArray<{ sku: string; description: string; quantity: number; unitPrice: number }>;
  readonly cancelBecause?: string;
}

interface Accepted {
  readonly orderId: string;
  readonly consistencyToken: string;
}

interface OrderView {
  readonly status: string;
  readonly refusal: { readonly code: string; readonly detail: string | null } | null;
  readonly cancellation: { readonly reason: string | null; readonly from: string } | null;
}

const MUG = { sku: 'MUG-BLUE', description: 'Tea mug, blue', unitPrice: 425 };
const TRAY = { sku: 'TRAY-TIN', description: 'Tin tray, round', unitPrice: 1250 };
/** Never received: whoever orders it learns that it is out of stock. */
const LAMP = { sku: 'LAMP-GLOBE', description: 'Globe lamp, brass', unitPrice: 4900 };

const SAMPLES: readonly Sample[] = [
  {
    story: 'paid',
    expected: 'confirmed',
    paymentToken: 'tok_ok',
    lines: [
      { ...MUG, quantity: 2 },
      { ...TRAY, quantity: 1 },
    ],
  },
  {
    story: 'card declined',
    expected: 'rejected',
    paymentToken: 'tok_declined_insufficient-funds',
    lines: [{ ...TRAY, quantity: 3 }],
  },
  {
    story: 'out of stock',
    expected: 'rejected',
    paymentToken: 'tok_ok',
    lines: [
      { ...MUG, quantity: 1 },
      { ...LAMP, quantity: 1 },
    ],
  },
  {
    story: 'customer cancels',
    expected: 'cancelled',
    paymentToken: 'tok_ok',
    lines: [{ ...MUG, quantity: 4 }],
    cancelBecause: 'ordered the wrong colour',
  },
];

/** One order for each way an order can end, one after the other; each as soon as it has ended. `startId` keeps its keys apart from other starts'. */
export async function* placeSampleOrders(urls: StackUrls, startId: string): AsyncGenerator<SampleResult> {
  const client = new SampleClient(urls, startId);
  // Enough for the samples of this start: each start brings its own.
  await Promise.all([MUG, TRAY].map(({ sku }) => client.command(`/stock/${sku}/receipts`, { quantity: 20, reference: 'opening stock' })));
  for (const sample of SAMPLES) yield await run(client, sample);
}

async function run(client: SampleClient, sample: Sample): Promise<SampleResult> {
  const { story, expected, paymentToken, lines, cancelBecause } = sample;
  const startedAt = performance.now();
  const customer = { id: 'sample-customer', name: 'Ada Example', email: 'ada@example.com', country: 'United Kingdom' };
  let accepted = await client.command('/orders', { customer, currency: 'GBP', lines, paymentToken });
  const { orderId } = accepted;
  if (cancelBecause !== undefined) accepted = await client.command(`/orders/${orderId}/cancel`, { reason: cancelBecause });
  let order: OrderView | undefined;
  while (performance.now() - startedAt < PATIENCE_MS) {
    order = await client.order(orderId, accepted.consistencyToken);
    if (order !== undefined && order.status !== 'placed') break;
    await delay(POLL_MS);
  }
  const status = order?.status ?? 'not seen';
  return {
    orderId,
    story,
    status,
    because: order?.refusal?.code ?? order?.cancellation?.reason ?? '',
    durationMs: performance.now() - startedAt,
    asExpected: status === expected,
  };
}

/** Commands and queries as any client sends them. */
class SampleClient {
  private sent = 0;

  constructor(
    private readonly urls: StackUrls,
    private readonly startId: string,
  ) {}

  async command(path: string, body: object): Promise<Accepted> {
    const response = await fetch(`${this.urls.commandApi}${path}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'idempotency-key': `sample-${this.startId}-${++this.sent}`,
        'x-actor': 'sample-customer',
      },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`The sample POST ${path} was answered with ${response.status}: ${text.slice(0, 500)}`);
    return JSON.parse(text) as Accepted;
  }

  /** At least as new as the token says: an order that was confirmed, then cancelled, is not seen in between. undefined: not yet there. */
  async order(orderId: string, consistencyToken: string): Promise<OrderView | undefined> {
    const response = await fetch(`${this.urls.queryApi}/orders/${orderId}`, { headers: { 'consistency-token': consistencyToken } });
    if (response.ok) return (await response.json()) as OrderView;
    await response.body?.cancel();
    return undefined;
  }
}
