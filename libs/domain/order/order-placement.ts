import { isCount } from '../amount.js';
import { isCurrency } from '../currency.js';
import { DomainError } from '../domain-error.js';
import { normalizeSku } from '../sku.js';
import { optionalName, optionalText, requireName, requireText } from '../text.js';
import type { PlaceOrder } from './order.commands.js';
import type { OrderCustomer, OrderLine, OrderPlaced } from './order.events.js';

/**
 * What an order may hold at most; texts in UTF-16 units. The HTTP edge validates against the same figures.
 * `bytes` bounds the order as UTF-8 JSON: its event, and those that repeat its SKUs, must fit one Kafka message (1 MiB by default),
 * or an accepted order could never be published.
 * `total` (minor units) and `pieces` bound what read models add up: their sums are exact integers of 64 bits, which hold 9,223,372
 * orders of the highest total, and a thousand times as many of the most pieces, in one hour, of one customer or of one SKU.
 */
export const ORDER_LIMITS = {
  lines: 5_000,
  bytes: 900_000,
  total: 1_000_000_000_000,
  pieces: 1_000_000_000,
  reference: 100,
  customerId: 100,
  customerName: 200,
  customerEmail: 320,
  country: 100,
  description: 200,
  paymentToken: 200,
  reason: 500,
} as const;

const text = 'order.text-invalid';

/**
 * The order as it is placed, checked and in its one spelling: SKUs normalised, lines numbered 1..n, total computed.
 * @throws DomainError when the order is empty or too large, or a line, text or currency is not acceptable
 */
export function placedOrder({ orderId, reference, customer, currency, lines, paymentToken }: PlaceOrder['data']): OrderPlaced['data'] {
  if (lines.length === 0) throw new DomainError('order.empty', 'an order needs at least one line');
  if (lines.length > ORDER_LIMITS.lines) {
    throw new DomainError('order.too-many-lines', `an order has at most ${ORDER_LIMITS.lines} lines`, { lines: lines.length });
  }
  if (!isCurrency(currency)) throw new DomainError('order.currency-unknown', 'currency must be an ISO 4217 code in capitals');
  const numbered = lines.map(numberedLine);
  const order = {
    orderId,
    reference: optionalName(reference, ORDER_LIMITS.reference, text, 'reference'),
    customer: checkedCustomer(customer),
    currency,
    lines: numbered,
    total: totalOf(numbered),
    paymentToken: requireText(paymentToken, ORDER_LIMITS.paymentToken, text, 'paymentToken'),
  };
  const bytes = new TextEncoder().encode(JSON.stringify(order)).length;
  if (bytes > ORDER_LIMITS.bytes) {
    throw new DomainError('order.too-large', `an order has at most ${ORDER_LIMITS.bytes} bytes as JSON`, { bytes });
  }
  return order;
}

function numberedLine(line: Omit<OrderLine, 'lineNo'>, index: number): OrderLine {
  const lineNo = index + 1;
  if (!isCount(line.quantity, 1)) {
    throw new DomainError('order.quantity-invalid', `line ${lineNo}: quantity must be a whole number of at least 1`, { lineNo });
  }
  if (!isCount(line.unitPrice, 0)) {
    throw new DomainError('order.unit-price-invalid', `line ${lineNo}: unitPrice must be whole minor units of at least 0`, { lineNo });
  }
  return {
    lineNo,
    sku: normalizeSku(line.sku),
    description: optionalText(line.description, ORDER_LIMITS.description, text, `lines.${index}.description`),
    quantity: line.quantity,
    unitPrice: line.unitPrice,
  };
}

/** Pieces are bounded as well as money: fulfilment adds up the pieces of a SKU over all lines. */
function totalOf(lines: readonly OrderLine[]): number {
  let total = 0;
  let pieces = 0;
  for (const line of lines) {
    total += line.quantity * line.unitPrice;
    pieces += line.quantity;
    // Seen after every line: what is below the limits was added exactly, and what was not is far above them.
    const { lineNo } = line;
    if (total > ORDER_LIMITS.total) {
      throw new DomainError('order.total-too-large', `an order costs at most ${ORDER_LIMITS.total} minor units`, { lineNo });
    }
    if (pieces > ORDER_LIMITS.pieces) {
      throw new DomainError('order.too-many-pieces', `an order has at most ${ORDER_LIMITS.pieces} pieces`, { lineNo });
    }
  }
  return total;
}

function checkedCustomer({ id, name, email, country }: OrderCustomer): OrderCustomer {
  return {
    id: requireName(id, ORDER_LIMITS.customerId, text, 'customer.id'),
    name: optionalText(name, ORDER_LIMITS.customerName, text, 'customer.name'),
    email: optionalText(email, ORDER_LIMITS.customerEmail, text, 'customer.email'),
    country: optionalText(country, ORDER_LIMITS.country, text, 'customer.country'),
  };
}
