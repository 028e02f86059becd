// Proves: an order placed over HTTP goes the whole way (database, Kafka, saga, gateway, read model) and query-api tells how it ended.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestStack, waitFor, type TestStack } from './harness/index.js';

let stack: TestStack;

beforeAll(async () => {
  stack = await startTestStack();
  await command(`/stock/MUG/receipts`, { quantity: 10 });
}, 120_000);
afterAll(async () => stack?.stop(), 30_000);

async function command(path: string, body: object): Promise<Record<string, unknown>> {
  const response = await fetch(`${stack.urls.commandApi}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': randomUUID() },
    body: JSON.stringify(body),
  });
  const answer = (await response.json()) as Record<string, unknown>;
  expect(response.ok, JSON.stringify(answer)).toBe(true);
  return answer;
}

async function place(paymentToken: string, lines = [{ sku: 'MUG', quantity: 2, unitPrice: 425 }]): Promise<string> {
  const { orderId } = await command('/orders', { customer: { id: 'c-1' }, currency: 'GBP', lines, paymentToken });
  return orderId as string;
}

/** What query-api says of an order once it is no longer merely placed, seen no earlier than the token. */
function ended(orderId: string, consistencyToken?: string): Promise<{ status: string; refusal: { code: string } | null }> {
  return waitFor(
    async () => {
      const headers = new Headers(consistencyToken === undefined ? [] : [['consistency-token', consistencyToken]]);
      const response = await fetch(`${stack.urls.queryApi}/orders/${orderId}`, { headers });
      const order = (await response.json()) as { status: string; refusal: { code: string } | null };
      return response.ok && order.status !== 'placed' ? order : undefined;
    },
    { what: `the end of order ${orderId}` },
  );
}

async function bookEntry(orderId: string): Promise<{ status: string } | undefined> {
  const book = (await (await fetch(`${stack.urls.gateway}/book`)).text()).trim().split('\n').filter(Boolean);
  return book.map((line) => JSON.parse(line) as { reference: string; status: string }).find(({ reference }) => reference.includes(orderId));
}

describe('an order', () => {
  test('that is paid is confirmed, and the gateway has the money', async () => {
    const orderId = await place('tok_ok');
    expect(await ended(orderId)).toMatchObject({ status: 'confirmed' });
    expect(await bookEntry(orderId)).toMatchObject({ status: 'captured', amount: 850 });
  });

  test('whose card is declined is rejected with the reason', async () => {
    expect(await ended(await place('tok_declined'))).toMatchObject({ status: 'rejected', refusal: { code: 'payment-declined' } });
  });

  test('for more than there is, is rejected and never charged', async () => {
    const orderId = await place('tok_ok', [{ sku: 'MUG', quantity: 100, unitPrice: 425 }]);
    expect(await ended(orderId)).toMatchObject({ status: 'rejected', refusal: { code: 'out-of-stock' } });
    expect(await bookEntry(orderId)).toBeUndefined();
  });

  test('that its customer cancels ends cancelled, with nothing left charged', async () => {
    const orderId = await place('tok_ok');
    const { consistencyToken } = await command(`/orders/${orderId}/cancel`, { reason: 'changed my mind' });
    // It may have been confirmed before: that would not be how it ends.
    expect(await ended(orderId, consistencyToken as string)).toMatchObject({ status: 'cancelled' });
    await waitFor(async () => [undefined, 'voided', 'refunded'].includes((await bookEntry(orderId))?.status), {
      what: 'the money given back',
    });
  });
});
