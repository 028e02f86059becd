import { isCount, isExactTotal } from '../amount.js';
import { isCurrency } from '../currency.js';
import { DomainError } from '../domain-error.js';
import { normalizeSku } from '../sku.js';
import { optionalText, requireText } from '../text.js';
import type { PlaceOrder } from './order.commands.js';
import type { OrderCustomer, OrderLine, OrderPlaced } from './order.events.js';

/**
 * What an order may hold at most; texts in UTF-16 units. The HTTP edge validates against the same figures.
 * `bytes` bounds the order as UTF-8 JSON: its event, and those that repeat its SKUs, must fit one Kafka message (1 MiB by default),
 * or an accepted order could never be published.
 */
export const ORDER_LIMITS = {
  lines: 5_000,
  bytes: 900_000,
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
    reference: optionalText(reference, ORDER_LIMITS.reference, text, 'reference'),
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
    if (!isExactTotal(total) || !isExactTotal(pieces)) {
      throw new DomainError('order.total-too-large', 'the total of an order must stay below 2^53 - 1', { lineNo: line.lineNo });
    }
  }
  return total;
}

function checkedCustomer({ id, name, email, country }: OrderCustomer): OrderCustomer {
  return {
    id: requireText(id, ORDER_LIMITS.customerId, text, 'customer.id'),
    name: optionalText(name, ORDER_LIMITS.customerName, text, 'customer.name'),
    email: optionalText(email, ORDER_LIMITS.customerEmail, text, 'customer.email'),
    country: optionalText(country, ORDER_LIMITS.country, text, 'customer.country'),
  };
}
