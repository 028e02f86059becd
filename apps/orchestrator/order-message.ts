import { parseStreamId, SCHEMA_VERSIONS, upcasters, type FulfilmentInput } from '#domain';
import { Upcasters } from '#event-store';
import { PoisonEventError, type EventMessage } from '#messaging';
import { z } from 'zod';

const chain = new Upcasters(upcasters);

/** As much of each event as the saga acts on. */
const PLACED = z.object({
  orderId: z.string(),
  lines: z.array(z.object({ sku: z.string().min(1), quantity: z.int().min(1) })).min(1),
  total: z.int().min(0),
  currency: z.string(),
  paymentToken: z.string(),
});
const CANCELLED = z.object({ orderId: z.string(), reason: z.string() });

/**
 * What the saga makes of a message of the order topic; undefined: it is none of its concern.
 * @throws PoisonEventError `unknown-schema-version`, `upcast-failed`, `data-invalid` or `wrong-stream`: no repeat would change that, and
 *   a batch that fails for any other reason is tried again for ever
 */
export function inputOf(message: EventMessage): FulfilmentInput | undefined {
  switch (message.type) {
    case 'OrderPlaced': {
      const { orderId, lines, total, currency, paymentToken } = read(message, message.type, PLACED);
      const quantities = new Map<string, number>();
      for (const { sku, quantity } of lines) quantities.set(sku, (quantities.get(sku) ?? 0) + quantity);
      const items = [...quantities].map(([sku, quantity]) => ({ sku, quantity }));
      return { type: 'StartFulfilment', orderId, items, amount: total, currency, paymentToken };
    }
    case 'OrderCancelled':
      return { type: 'RequestCancellation', reason: read(message, message.type, CANCELLED).reason };
    default:
      return undefined;
  }
}

function read<Data extends { orderId: string }>(
  message: EventMessage,
  type: 'OrderPlaced' | 'OrderCancelled',
  shape: z.ZodType<Data>,
): Data {
  const parsed = shape.safeParse(upcast(message, type));
  if (!parsed.success) {
    // Never the value: it may be personal.
    const where = parsed.error.issues.map(({ path, code }) => `${path.join('.')}: ${code}`).slice(0, 5);
    throw new PoisonEventError(message, 'data-invalid', where.join(', '));
  }
  const stream = parseStreamId(message.streamId);
  if (stream?.category !== 'order' || stream.key !== parsed.data.orderId) {
    throw new PoisonEventError(message, 'wrong-stream', 'its data does not belong to this stream');
  }
  return parsed.data;
}

function upcast(message: EventMessage, type: 'OrderPlaced' | 'OrderCancelled'): object {
  const { schemaVersion, data } = message;
  if (schemaVersion < 1 || schemaVersion > SCHEMA_VERSIONS[type]) {
    throw new PoisonEventError(message, 'unknown-schema-version', `version ${schemaVersion}, known up to ${SCHEMA_VERSIONS[type]}`);
  }
  try {
    return chain.upcast(type, schemaVersion, data).data;
  } catch (error) {
    throw new PoisonEventError(message, 'upcast-failed', String(error));
  }
}
