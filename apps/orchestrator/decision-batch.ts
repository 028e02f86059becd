import {
  consequencesOf,
  decideFulfilment,
  evolveFulfilment,
  nextAction,
  orderDecider,
  paymentDecider,
  reservationOf,
  stockDecider,
  streamId,
  type Consequence,
  type Decider,
  type DomainEvent,
  type FulfilmentAction,
  type FulfilmentInput,
  type FulfilmentState,
  type OrderState,
  type PaymentState,
  type StockShortage,
  type StockState,
} from '#domain';

export interface Versioned<State> {
  readonly version: number;
  readonly state: State;
}

/** Every stream the batch may touch, as it stands under lock. */
export interface BatchStates {
  readonly fulfilment: Map<string, Versioned<FulfilmentState>>;
  readonly order: Map<string, Versioned<OrderState>>;
  readonly payment: Map<string, Versioned<PaymentState>>;
  readonly stock: Map<string, Versioned<StockState>>;
}

export interface DecidedWrite {
  readonly streamId: string;
  readonly expectedVersion: number;
  readonly events: DomainEvent[];
}

/** One input decided: what to append for it, and what the saga then waits for. */
export interface Decision {
  readonly writes: DecidedWrite[];
  readonly state: FulfilmentState;
  readonly action: FulfilmentAction;
}

/**
 * Decides many inputs one after the other over shared state, so that orders competing for one SKU see each other's reservations
 * without a round trip. Pure memory: the caller locks the streams before, and commits all decisions together after.
 * An input that breaks a rule throws and leaves no trace; the others are unaffected.
 */
export class DecisionBatch {
  constructor(private readonly states: BatchStates) {}

  decide(orderId: string, input: FulfilmentInput): Decision {
    const attempt = new Attempt(this.states, orderId);
    attempt.heedCancelledOrder(input);
    attempt.take(input);
    if (input.type === 'StartFulfilment') attempt.heedCancelledOrder(input);
    attempt.settleReservation();
    attempt.keep();
    return attempt.decision();
  }
}

/** The changes of one input, kept apart from the shared states until all of it has been decided. */
class Attempt {
  private readonly changed = new Map<string, Versioned<unknown>>();
  private readonly writes = new Map<string, DecidedWrite>();
  private readonly fulfilmentStream: string;

  constructor(
    private readonly states: BatchStates,
    private readonly orderId: string,
  ) {
    this.fulfilmentStream = streamId('fulfilment', orderId);
  }

  /** The customer may have cancelled while a step was under way and our copy of that message is still to come. */
  heedCancelledOrder(input: FulfilmentInput): void {
    const order = this.current<OrderState>('order', streamId('order', this.orderId)).state;
    if (order.status === 'cancelled' && input.type !== 'RequestCancellation') {
      this.take({ type: 'RequestCancellation', reason: order.reason });
    }
  }

  take(input: FulfilmentInput): void {
    for (const event of decideFulfilment(input, this.fulfilment())) {
      this.record(this.fulfilmentStream, 'fulfilment', evolveFulfilment(this.fulfilment(), event), [event]);
      const state = this.fulfilment();
      if (state.status === 'not-started') throw new Error(`fulfilment ${this.orderId} has events but has not started`);
      for (const consequence of consequencesOf(event, state)) this.carryOut(consequence);
    }
  }

  /** All lines or none: only when every SKU can be reserved is any reserved; otherwise the refusals alone are recorded. */
  settleReservation(): void {
    const state = this.fulfilment();
    if (state.status === 'not-started' || nextAction(state).kind !== 'reserve') return;
    const answers = reservationOf(state).map((question) => ({
      question,
      events: stockDecider.decide(question.command, this.current<StockState>('stock', question.streamId).state),
    }));
    const refusals = answers.filter(({ events }) => events.some((event) => event.type === 'StockReservationRejected'));
    for (const { question, events } of refusals.length > 0 ? refusals : answers) {
      this.apply(stockDecider, 'stock', question.streamId, events);
    }
    if (refusals.length === 0) return this.take({ type: 'StockReserved' });
    const shortages = refusals.flatMap(({ events }) =>
      events.flatMap((event): StockShortage[] =>
        event.type === 'StockReservationRejected'
          ? [{ sku: event.data.sku, requested: event.data.requested, available: event.data.available }]
          : [],
      ),
    );
    this.take({ type: 'StockRefused', shortages });
  }

  keep(): void {
    for (const [id, versioned] of this.changed) {
      const category = id.slice(0, id.indexOf('-')) as keyof BatchStates;
      (this.states[category] as Map<string, Versioned<unknown>>).set(id, versioned);
    }
  }

  decision(): Decision {
    const state = this.fulfilment();
    return { writes: [...this.writes.values()], state, action: nextAction(state) };
  }

  private fulfilment(): FulfilmentState {
    return this.current<FulfilmentState>('fulfilment', this.fulfilmentStream).state;
  }

  private carryOut(consequence: Consequence): void {
    switch (consequence.category) {
      case 'order':
        return this.execute(orderDecider, 'order', consequence.streamId, consequence.command);
      case 'payment':
        return this.execute(paymentDecider, 'payment', consequence.streamId, consequence.command);
      case 'stock':
        return this.execute(stockDecider, 'stock', consequence.streamId, consequence.command);
    }
  }

  private execute<S, C, E extends DomainEvent>(decider: Decider<S, C, E>, category: keyof BatchStates, id: string, command: C): void {
    this.apply(decider, category, id, decider.decide(command, this.current<S>(category, id).state));
  }

  private apply<S, C, E extends DomainEvent>(decider: Decider<S, C, E>, category: keyof BatchStates, id: string, events: E[]): void {
    if (events.length === 0) return;
    this.record(id, category, events.reduce(decider.evolve, this.current<S>(category, id).state), events);
  }

  private record(id: string, category: keyof BatchStates, state: unknown, events: readonly DomainEvent[]): void {
    const { version } = this.current(category, id);
    const write = this.writes.get(id) ?? { streamId: id, expectedVersion: version, events: [] };
    write.events.push(...events);
    this.writes.set(id, write);
    this.changed.set(id, { version: version + events.length, state });
  }

  private current<S>(category: keyof BatchStates, id: string): Versioned<S> {
    const found = this.changed.get(id) ?? this.states[category].get(id);
    if (found === undefined) throw new Error(`stream ${id} is decided on but was not loaded`);
    return found as Versioned<S>;
  }
}
