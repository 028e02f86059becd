import type { DomainEvent } from '../domain-event.js';
import type { StockShortage } from '../order/order.events.js';
import type { Personal } from '../personal-data.js';

/**
 * Steps of a fulfilment. Forward: reserve (compensable), authorize (compensable), capture (pivot), confirm (retriable).
 * Undo: release undoes reserve, void undoes authorize, refund undoes capture, return undoes confirm's shipment.
 */
export type FulfilmentStep = 'reserve' | 'authorize' | 'capture' | 'confirm' | 'void' | 'refund' | 'release' | 'return';

/** Pieces of one SKU over all lines of the order; each SKU once. */
export interface FulfilmentItem {
  readonly sku: string;
  readonly quantity: number;
}

export type FulfilmentStarted = DomainEvent<
  'FulfilmentStarted',
  {
    readonly orderId: string;
    readonly items: readonly FulfilmentItem[];
    /** Minor units. */
    readonly amount: number;
    readonly currency: string;
    readonly paymentToken: Personal<string>;
  }
>;

/** The intent, written before the step leaves the process; `undo` is what takes it back should it have landed unseen. */
export type FulfilmentStepDispatched = DomainEvent<
  'FulfilmentStepDispatched',
  { readonly orderId: string; readonly step: FulfilmentStep; readonly attempt: number; readonly undo: FulfilmentStep | null }
>;

export type FulfilmentStepCompleted = DomainEvent<
  'FulfilmentStepCompleted',
  { readonly orderId: string; readonly step: FulfilmentStep; readonly gatewayId: string | null }
>;

export type FulfilmentStepRefused = DomainEvent<
  'FulfilmentStepRefused',
  {
    readonly orderId: string;
    readonly step: FulfilmentStep;
    readonly code: string;
    readonly detail: string;
    readonly shortages: readonly StockShortage[];
  }
>;

/** Neither done nor refused as far as we know; resolved by asking the gateway with our own reference. */
export type FulfilmentStepOutcomeUnknown = DomainEvent<
  'FulfilmentStepOutcomeUnknown',
  { readonly orderId: string; readonly step: FulfilmentStep; readonly attempt: number; readonly detail: string }
>;

export type FulfilmentCancellationRequested = DomainEvent<
  'FulfilmentCancellationRequested',
  { readonly orderId: string; readonly reason: string }
>;

/** Cannot go on by itself; an operator retries or compensates it. */
export type FulfilmentParked = DomainEvent<
  'FulfilmentParked',
  { readonly orderId: string; readonly step: FulfilmentStep; readonly code: string; readonly detail: string }
>;

export type FulfilmentResumed = DomainEvent<
  'FulfilmentResumed',
  { readonly orderId: string; readonly mode: 'retry' | 'compensate'; readonly reason: string }
>;

/**
 * An operator found out what became of the step it was parked at, and says so with evidence; the saga believes it and goes on. What the
 * gateway's book says of this payment may differ from then on: the evidence is what explains it.
 */
export type FulfilmentResolved = DomainEvent<
  'FulfilmentResolved',
  {
    readonly orderId: string;
    readonly step: FulfilmentStep;
    readonly outcome: 'done' | 'not-done';
    /** What was found, in words. */
    readonly evidence: string;
    /** Where it can be looked up: a transaction, a ticket, a document. */
    readonly reference: string;
  }
>;

/** A cancellation after `confirmed` opens the fulfilment again; it then completes a second time, as `cancelled`. */
export type FulfilmentCompleted = DomainEvent<
  'FulfilmentCompleted',
  { readonly orderId: string; readonly outcome: 'confirmed' | 'rejected' | 'cancelled' }
>;

export type FulfilmentEvent =
  | FulfilmentStarted
  | FulfilmentStepDispatched
  | FulfilmentStepCompleted
  | FulfilmentStepRefused
  | FulfilmentStepOutcomeUnknown
  | FulfilmentCancellationRequested
  | FulfilmentParked
  | FulfilmentResumed
  | FulfilmentResolved
  | FulfilmentCompleted;
