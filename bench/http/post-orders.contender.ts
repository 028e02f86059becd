import { randomUUID } from 'node:crypto';
import { Random } from '../../dev/chaos/load/random.js';
import { closedLoop, type Contender } from '../harness/contender.js';
import { HttpClient } from './http-client.js';

export interface PostOrdersLoad {
  readonly connections: number;
  /** Lines an order. */
  readonly lines: number;
  /** Milliseconds. */
  readonly ms: number;
}

/** Different orders, so many that no cache knows them all by heart. */
const ORDERS = 500;
const SKUS = 4_000;
const SEED = 5;

/** Clients that place orders, each waiting for its answer before it places the next. */
export async function open({ url }: { readonly url: string }): Promise<Contender<PostOrdersLoad>> {
  const clients = new Map<number, HttpClient>();
  const clientOf = (connections: number): HttpClient => {
    const client = clients.get(connections) ?? new HttpClient(url, connections);
    clients.set(connections, client);
    return client;
  };
  let next = 0;
  return {
    round: async ({ connections, lines, ms }) => {
      const client = clientOf(connections);
      const bodies = Array.from({ length: ORDERS }, (_, number) => orderBody(new Random(SEED, number), lines));
      return await closedLoop(connections, ms, () =>
        client.ask(
          {
            method: 'POST',
            path: '/orders',
            headers: { 'content-type': 'application/json', 'idempotency-key': randomUUID() },
            body: bodies[(next += 1) % ORDERS]!,
          },
          201,
        ),
      );
    },
    close: async () => {
      await Promise.all([...clients.values()].map((client) => client.close()));
    },
  };
}

function orderBody(random: Random, lines: number): Buffer {
  const line = () => ({
    sku: String(random.between(10_000, 10_000 + SKUS)),
    description: 'WHITE HANGING HEART T-LIGHT HOLDER',
    quantity: random.between(1, 24),
    unitPrice: random.between(10, 1_500),
  });
  return Buffer.from(
    JSON.stringify({
      reference: String(random.between(500_000, 600_000)),
      customer: { id: String(random.between(12_000, 18_000)), name: 'Ada Lovelace', email: 'ada@example.org', country: 'United Kingdom' },
      currency: 'GBP',
      lines: Array.from({ length: lines }, line),
      paymentToken: 'tok_ok',
      placedAt: '2010-12-01T08:26:00Z',
    }),
  );
}
