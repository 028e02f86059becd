import { Readable } from 'node:stream';
import { failpoints } from '#failpoints';
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import type { Operation } from './payment.js';
import { PaymentBook } from './payment-book.js';
import { describe, PaymentDesk, type AuthorizationRequest, type Reply, type Sum } from './payment-desk.js';

const KEY_HEADER = {
  type: 'object',
  required: ['idempotency-key'],
  properties: { 'idempotency-key': { type: 'string', minLength: 1, maxLength: 255 } },
} as const;

const SUM_PROPERTIES = {
  amount: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
  currency: { type: 'string', pattern: '^[A-Z]{3}$' },
} as const;

const SUM = { type: 'object', required: ['amount', 'currency'], additionalProperties: false, properties: SUM_PROPERTIES } as const;

const AUTHORIZATION = {
  type: 'object',
  required: ['reference', 'amount', 'currency', 'token'],
  additionalProperties: false,
  properties: {
    reference: { type: 'string', minLength: 1, maxLength: 200 },
    ...SUM_PROPERTIES,
    token: { type: 'string', minLength: 1, maxLength: 200 },
  },
} as const;

export interface Gateway {
  readonly app: FastifyInstance;
  /** Rejects when the book can no longer be written. */
  readonly failed: Promise<never>;
}

/**
 * A payment gateway as merchants know them, with a mind of its own (behaviour.ts): authorize, capture, void, refund, look up by the
 * merchant's reference. `GET /book` lists every payment as NDJSON, for the comparison of books.
 */
export async function createGateway(bookPath: string): Promise<Gateway> {
  const { book, entries } = await PaymentBook.open(bookPath);
  const desk = new PaymentDesk(book, entries);
  const app = Fastify({
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 300 },
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false } },
  });
  app.addHook('onClose', () => book.close());
  app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
    const status = error.statusCode ?? 500;
    return reply.code(status).send({ code: status < 500 ? 'invalid-request' : 'internal', detail: error.message });
  });
  app.setNotFoundHandler((_request, reply) => reply.code(404).send({ code: 'not-found', detail: 'there is nothing at this address' }));

  app.addHook('preHandler', async (request) => {
    if (!failpoints.armed || !request.url.startsWith('/payments')) return;
    await failpoints.reach('gateway.slow');
    await failpoints.reach('gateway.error');
  });
  app.post<{ Body: AuthorizationRequest }>('/payments', { schema: { headers: KEY_HEADER, body: AUTHORIZATION } }, async (request, reply) =>
    answer(reply, await desk.authorize(String(request.headers['idempotency-key']), request.body)),
  );
  for (const operation of ['capture', 'void', 'refund'] satisfies Operation[]) {
    app.post<{ Params: { reference: string }; Body: Sum }>(
      `/payments/:reference/${operation}`,
      { schema: { headers: KEY_HEADER, body: SUM } },
      async (request, reply) => {
        const result = await desk.change(operation, String(request.headers['idempotency-key']), request.params.reference, request.body);
        return answer(
          reply,
          result ?? { status: 404, body: { code: 'payment-not-found', detail: 'there is no payment under this reference' } },
        );
      },
    );
  }
  app.get<{ Params: { reference: string } }>('/payments/:reference', async (request, reply) => {
    const payment = (await deniesPayments()) ? undefined : await desk.find(request.params.reference);
    if (payment !== undefined) return describe(payment);
    return reply.code(404).send({ code: 'payment-not-found', detail: 'there is no payment under this reference' });
  });
  app.get('/book', async (_request, reply) => {
    const payments = await desk.all();
    return reply.type('application/x-ndjson').send(Readable.from(lines(payments.map(describe))));
  });
  app.get('/health/live', () => ({ status: 'ok' }));
  app.get('/health/ready', async () => {
    await book.settled();
    return { status: 'ok' };
  });
  return { app, failed: book.failed };
}

/** Whether this look-up is to say the contrary of what the book says. */
async function deniesPayments(): Promise<boolean> {
  if (!failpoints.armed) return false;
  return await failpoints.reach('gateway.contradict').then(
    () => false,
    () => true,
  );
}

function answer(reply: FastifyReply, { status, body, drop }: Reply): FastifyReply {
  if (!drop) return reply.code(status).send(body);
  reply.hijack();
  reply.raw.destroy();
  return reply;
}

function* lines(items: readonly object[]): Generator<string> {
  for (const item of items) yield `${JSON.stringify(item)}\n`;
}
