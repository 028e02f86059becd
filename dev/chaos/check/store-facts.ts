/** An event that a client's command caused, as the store tells it. */
export interface ClientEffect {
  /** The key the client put into its own data (reference, reason); null when there is none. */
  readonly key: string | null;
  readonly streamId: string;
  readonly version: number;
  readonly type: 'OrderPlaced' | 'OrderCancelled' | 'StockReceived' | 'StockAdjusted';
  readonly causationId: string;
  readonly commandId: string | null;
  /** What it says, in the words of {@link Asked}. */
  readonly says: string;
}

/** An order and its fulfilment, folded from their events. Times are milliseconds since the epoch, as recorded by the server. */
export interface OrderFacts {
  readonly orderId: string;
  readonly placedAt: number | null;
  /** Type of the last event of the order's stream. */
  readonly status: 'OrderPlaced' | 'OrderConfirmed' | 'OrderRejected' | 'OrderCancelled' | null;
  readonly rejection: string | null;
  readonly cancelledAt: number | null;
  readonly cancelledFrom: 'placed' | 'confirmed' | null;
  /** The fulfilment was begun; null: never. */
  readonly startedAt: number | null;
  /** First time it was completed: of a confirmed order that was cancelled later, before its second half. */
  readonly firstCompletedAt: number | null;
  /** Last time it was completed, and how. */
  readonly completedAt: number | null;
  readonly outcome: 'confirmed' | 'rejected' | 'cancelled' | null;
  /** It waits for an operator: parked and not resumed since. */
  readonly parked: boolean;
  readonly everParked: boolean;
  /** When it was parked and let go on, by turns. */
  readonly parkedTimes: readonly number[];
  /** Asked of the gateway; null when it never came to that. */
  readonly payment: PaymentFacts | null;
}

export interface PaymentFacts {
  readonly reference: string;
  readonly amount: number;
  readonly currency: string;
  readonly token: string;
  readonly captured: number;
  readonly refunded: number;
}

/** Pieces still set aside for an order. */
export interface OpenReservation {
  readonly sku: string;
  readonly orderId: string;
  readonly pieces: number;
}

/** Totals of one SKU's stream. */
export interface StockFacts {
  readonly sku: string;
  readonly received: number;
  readonly adjusted: number;
  readonly shipped: number;
  readonly returned: number;
}

/** Something a consumer group or the relay could not take. */
export interface DeadLetterFacts {
  /** Consumer group; `outbox` for the relay's own. */
  readonly group: string;
  readonly topic: string | null;
  readonly partition: number | null;
  readonly offset: string | null;
  readonly streamId: string | null;
  readonly code: string;
  readonly state: string;
  /** Of the bytes kept with it, see messageDigest; null for the relay's own. */
  readonly sha256: string | null;
  /** Milliseconds since the epoch. */
  readonly recordedAt: number;
  /** When an operator discarded or released it; null while it is held. */
  readonly resolvedAt: number | null;
}

export interface ParkedStreamFacts {
  readonly group: string;
  readonly streamId: string;
  readonly code: string;
}
