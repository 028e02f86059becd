import { isCount, isExactTotal } from '../amount.js';
import { DomainError } from '../domain-error.js';
import type { Decider } from '../domain-event.js';
import { normalizeSku } from '../sku.js';
import { optionalText, requireText } from '../text.js';
import type { AdjustStock, ReceiveStock, ReserveStock, ReturnStock, StockCommand } from './stock.commands.js';
import type { StockEvent } from './stock.events.js';

export type { StockCommand };

/** What was set aside for an order and neither shipped nor released yet. */
export interface StockReservation {
  readonly orderId: string;
  readonly quantity: number;
}

/**
 * Pieces of one SKU. Always: received + adjusted + returned = onHand + shipped, and 0 ≤ reserved ≤ onHand.
 * Only open reservations are kept, so the state stays small however long the stream gets; an array, not a map, as it is
 * copied at every change and goes into snapshots. The price: a repeat is recognised only while the reservation is open. Whoever
 * ships, releases or returns must make that step once (the fulfilment does: it records its step in the same append).
 */
export interface StockState {
  /** `untracked` until the first receipt or adjustment: a refused reservation alone does not make a SKU known. */
  readonly status: 'untracked' | 'tracked';
  readonly onHand: number;
  readonly reserved: number;
  readonly received: number;
  readonly adjusted: number;
  readonly shipped: number;
  readonly returned: number;
  readonly reservations: readonly StockReservation[];
}

/** Raise it whenever the shape of {@link StockState} changes: snapshots of another version are then ignored, by every app at once. */
export const STOCK_STATE_VERSION = 1;

/** Pieces that can still be promised to someone. */
export const availableStock = (state: StockState): number => state.onHand - state.reserved;

export const stockDecider: Decider<StockState, StockCommand, StockEvent> = {
  initialState: { status: 'untracked', onHand: 0, reserved: 0, received: 0, adjusted: 0, shipped: 0, returned: 0, reservations: [] },

  decide(command, state) {
    const sku = normalizeSku(command.data.sku);
    switch (command.type) {
      case 'ReceiveStock':
        return receive({ ...command.data, sku }, state);
      case 'AdjustStock':
        return adjust({ ...command.data, sku }, state);
      case 'ReserveStock':
        return reserve({ ...command.data, sku }, state);
      case 'ReleaseStock': {
        const open = reservationOf(command.data.orderId, state);
        return open ? [{ type: 'StockReleased', data: { sku, ...open } }] : [];
      }
      case 'ShipStock': {
        const { orderId } = command.data;
        const open = reservationOf(orderId, state);
        if (!open) throw new DomainError('stock.not-reserved', `nothing of ${sku} is reserved for order ${orderId}`, { sku, orderId });
        requireExact(sku, state.shipped + open.quantity);
        return [{ type: 'StockShipped', data: { sku, ...open } }];
      }
      case 'ReturnStock':
        return takeBack({ ...command.data, sku }, state);
    }
  },

  evolve(state, event) {
    switch (event.type) {
      case 'StockReceived': {
        const { quantity } = event.data;
        return { ...state, status: 'tracked', onHand: state.onHand + quantity, received: state.received + quantity };
      }
      case 'StockAdjusted': {
        const { delta } = event.data;
        return { ...state, status: 'tracked', onHand: state.onHand + delta, adjusted: state.adjusted + delta };
      }
      case 'StockReserved': {
        const { orderId, quantity } = event.data;
        return { ...state, reserved: state.reserved + quantity, reservations: [...state.reservations, { orderId, quantity }] };
      }
      case 'StockReservationRejected':
        return state;
      case 'StockReleased':
        return closeReservation(event.data, state);
      case 'StockShipped': {
        const { quantity } = event.data;
        return { ...closeReservation(event.data, state), onHand: state.onHand - quantity, shipped: state.shipped + quantity };
      }
      case 'StockReturned': {
        const { quantity } = event.data;
        return { ...state, onHand: state.onHand + quantity, returned: state.returned + quantity };
      }
    }
  },
};

function receive({ sku, quantity, reference }: ReceiveStock['data'], state: StockState): StockEvent[] {
  requireQuantity(quantity);
  requireExact(sku, state.received + quantity, state.onHand + quantity);
  return [{ type: 'StockReceived', data: { sku, quantity, reference: optionalText(reference, 100, 'stock.text-invalid', 'reference') } }];
}

function adjust({ sku, delta, reason }: AdjustStock['data'], state: StockState): StockEvent[] {
  if (!isCount(Math.abs(delta), 1)) throw new DomainError('stock.delta-invalid', 'delta must be a whole number other than 0');
  const onHand = state.onHand + delta;
  requireExact(sku, state.adjusted + delta, onHand);
  if (onHand < 0) throw new DomainError('stock.below-zero', `only ${state.onHand} of ${sku} are on hand`, { sku, onHand: state.onHand });
  if (onHand < state.reserved) {
    throw new DomainError('stock.below-reserved', `${state.reserved} of ${sku} are reserved`, { sku, available: availableStock(state) });
  }
  return [{ type: 'StockAdjusted', data: { sku, delta, reason: requireText(reason, 500, 'stock.text-invalid', 'reason') } }];
}

function reserve({ sku, orderId, quantity }: ReserveStock['data'], state: StockState): StockEvent[] {
  requireQuantity(quantity);
  const open = reservationOf(orderId, state);
  if (open?.quantity === quantity) return [];
  if (open) throw new DomainError('stock.reserved-otherwise', `order ${orderId} has ${open.quantity} of ${sku} reserved`, { sku, orderId });
  const available = availableStock(state);
  return quantity <= available
    ? [{ type: 'StockReserved', data: { sku, orderId, quantity } }]
    : [{ type: 'StockReservationRejected', data: { sku, orderId, requested: quantity, available } }];
}

function takeBack({ sku, orderId, quantity }: ReturnStock['data'], state: StockState): StockEvent[] {
  requireQuantity(quantity);
  const out = state.shipped - state.returned;
  if (quantity > out)
    throw new DomainError('stock.return-exceeds-shipped', `only ${out} of ${sku} are shipped and not back`, { sku, orderId });
  requireExact(sku, state.onHand + quantity);
  return [{ type: 'StockReturned', data: { sku, orderId, quantity } }];
}

const reservationOf = (orderId: string, state: StockState) => state.reservations.find((open) => open.orderId === orderId);

const closeReservation = ({ orderId, quantity }: StockReservation, state: StockState): StockState => ({
  ...state,
  reserved: state.reserved - quantity,
  reservations: state.reservations.filter((open) => open.orderId !== orderId),
});

function requireQuantity(quantity: number): void {
  if (!isCount(quantity, 1)) throw new DomainError('stock.quantity-invalid', 'quantity must be a whole number of at least 1');
}

function requireExact(sku: string, ...totals: number[]): void {
  if (!totals.every(isExactTotal)) throw new DomainError('stock.total-too-large', `totals of ${sku} must stay below 2^53 - 1`, { sku });
}
