import type { OrderCommand } from '../order/order.commands.js';
import type { PaymentCommand } from '../payment/payment.commands.js';
import type { StockCommand } from '../stock/stock.commands.js';
import { streamId } from '../stream-id.js';
import type { FulfilmentEvent, FulfilmentStep } from './fulfilment.events.js';
import type { StartedFulfilment } from './fulfilment.state.js';
import type { FulfilmentInput } from './fulfilment.workflow.js';

/** A command for another aggregate that must be carried out in the same transaction as the saga's event it follows from. */
export type Consequence =
  | { readonly category: 'order'; readonly streamId: string; readonly command: OrderCommand }
  | { readonly category: 'payment'; readonly streamId: string; readonly command: PaymentCommand }
  | { readonly category: 'stock'; readonly streamId: string; readonly command: StockCommand };

const GOODS_COMMAND = { confirm: 'ShipStock', release: 'ReleaseStock', return: 'ReturnStock' } as const;

/**
 * What a saga event means for the order, its payment and its stock. `state` is the saga's state after the event.
 * Reserving is not here: it is a question whose answer the saga waits for, see `reservationOf`.
 */
export function consequencesOf(event: FulfilmentEvent, state: StartedFulfilment): Consequence[] {
  const { orderId } = state;
  switch (event.type) {
    case 'FulfilmentStepDispatched': {
      if (event.data.step !== 'authorize') return [];
      const { amount, currency, paymentToken } = state;
      return [payment(orderId, { type: 'RequestPayment', data: { orderId, reference: orderId, amount, currency, paymentToken } })];
    }
    case 'FulfilmentStepCompleted':
      return completedStep(event.data.step, event.data.gatewayId, state);
    case 'FulfilmentStepRefused': {
      const { step, code, detail } = event.data;
      // A refused capture leaves the authorization standing; the void that follows is what ends the payment.
      return step === 'authorize' ? [payment(orderId, { type: 'RecordDecline', data: { orderId, code, detail } })] : [];
    }
    case 'FulfilmentStepOutcomeUnknown': {
      const { step, detail } = event.data;
      const isPayment = step === 'authorize' || step === 'capture' || step === 'void' || step === 'refund';
      return isPayment ? [payment(orderId, { type: 'RecordUnknownOutcome', data: { orderId, operation: step, detail } })] : [];
    }
    case 'FulfilmentCompleted': {
      if (event.data.outcome === 'confirmed') return [order(orderId, { type: 'ConfirmOrder', data: { orderId } })];
      if (event.data.outcome === 'cancelled') return [];
      const reason = state.refusal ?? { code: 'payment-failed', detail: 'the order could not be fulfilled' };
      return [order(orderId, { type: 'RejectOrder', data: { orderId, reason } })];
    }
    case 'FulfilmentStarted':
    case 'FulfilmentCancellationRequested':
    case 'FulfilmentParked':
    case 'FulfilmentResumed':
    case 'FulfilmentResolved':
      return [];
  }
}

/** The question put to every stock stream of an order; all must answer yes or none is reserved. */
export const reservationOf = (state: StartedFulfilment): Extract<Consequence, { category: 'stock' }>[] => stock(state, 'ReserveStock');

/** Whether deciding `input` can touch stock at all; most answers of the gateway only move the payment along. */
export function mayTouchStock(input: FulfilmentInput): boolean {
  switch (input.type) {
    case 'StartFulfilment':
    case 'StockReserved':
    case 'StockRefused':
    case 'GatewayFound':
    case 'ResolveFulfilment':
      return true;
    case 'GatewayDone':
      return input.operation !== 'authorize';
    case 'GatewayDeclined':
      return input.operation === 'authorize';
    case 'GatewayRejected':
    case 'GatewayUnknown':
    case 'RequestCancellation':
    case 'ResumeFulfilment':
      return false;
  }
}

/** The stock streams an order may ever touch; what a caller locks before it decides. */
export const stockStreamsOf = (items: readonly { readonly sku: string }[]): string[] => items.map((item) => streamId('stock', item.sku));

function completedStep(step: FulfilmentStep, gatewayId: string | null, state: StartedFulfilment): Consequence[] {
  const { orderId, amount } = state;
  switch (step) {
    case 'reserve':
      return [];
    case 'authorize':
      return [payment(orderId, { type: 'RecordAuthorization', data: { orderId, gatewayId: gatewayId ?? orderId } })];
    case 'capture':
      return [payment(orderId, { type: 'RecordCapture', data: { orderId, amount } })];
    case 'void':
      return [payment(orderId, { type: 'RecordVoid', data: { orderId } })];
    case 'refund':
      return [payment(orderId, { type: 'RecordRefund', data: { orderId, amount } })];
    case 'confirm':
    case 'release':
    case 'return':
      return stock(state, GOODS_COMMAND[step]);
  }
}

const order = (orderId: string, command: OrderCommand): Consequence => ({
  category: 'order',
  streamId: streamId('order', orderId),
  command,
});

const payment = (orderId: string, command: PaymentCommand): Consequence => ({
  category: 'payment',
  streamId: streamId('payment', orderId),
  command,
});

const stock = (
  state: StartedFulfilment,
  type: 'ReserveStock' | 'ShipStock' | 'ReleaseStock' | 'ReturnStock',
): Extract<Consequence, { category: 'stock' }>[] =>
  state.items.map(({ sku, quantity }) => ({
    category: 'stock',
    streamId: streamId('stock', sku),
    command: { type, data: { sku, orderId: state.orderId, quantity } },
  }));
