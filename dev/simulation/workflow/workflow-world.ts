import {
  initialFulfilment,
  nextAction,
  orderDecider,
  paymentDecider,
  stockDecider,
  streamId,
  type FulfilmentAction,
  type FulfilmentInput,
  type FulfilmentState,
  type OrderEvent,
  type OrderState,
  type StockEvent,
} from '#domain';
import { DecisionBatch, type BatchStates, type Decision } from '../../../apps/orchestrator/decision-batch.js';
import { GatewayBook, type GatewayAnswer } from '../fulfilment/gateway-book.js';
import { hasEnded, moneyViolations, soldPieces, stockViolations, type EndedOrder } from '../fulfilment/money-and-goods.js';
import type { SeededRandom } from '../kernel/seeded-random.js';

/** Decides an input over locked streams; a spec puts a broken one here. */
export type Decide = (states: BatchStates, orderId: string, input: FulfilmentInput) => Decision;

export const decideForReal: Decide = (states, orderId, input) => new DecisionBatch(states).decide(orderId, input);

type GatewayAction = Extract<FulfilmentAction, { kind: 'send' | 'look-up' }>;

/** A call that has left a process. */
interface Call {
  readonly orderId: string;
  readonly action: GatewayAction;
  /** Undefined: whoever sent it is dead, or has given up waiting. */
  caller: Caller | undefined;
  answer: GatewayAnswer | undefined;
}

/** A process: what it remembers of calls under way. */
interface Caller {
  readonly name: string;
  readonly underWay: Map<string, Call | undefined>;
}

const SKUS = ['A', 'B'];
const TOKENS = ['tok_ok', 'tok_ok', 'tok_ok', 'tok_declined', 'tok_rejected'];

/**
 * The workflow and its consequences over a world reduced to what they rest on: streams that are locked and committed as one, a timer that
 * survives for each action owed, messages that come at least once and in order, and a gateway that acts when requests reach it. The promises
 * of the layers below are taken for granted here, which makes a seed cheap; the fulfilment simulator does not take them for granted.
 */
export class WorkflowWorld {
  readonly book = new GatewayBook();
  private states: BatchStates = { fulfilment: new Map(), order: new Map(), payment: new Map(), stock: new Map() };
  private readonly stockEvents = new Map<string, StockEvent[]>();
  private readonly orders = new Map<string, { readonly messages: FulfilmentInput[]; delivered: number; readonly token: string }>();
  /** Orders that owe an action; true when they wait for an operator. */
  private readonly work = new Map<string, boolean>();
  private calls: Call[] = [];
  private callers: Caller[] = ['p1', 'p2'].map((name) => ({ name, underWay: new Map() }));

  constructor(
    private readonly random: SeededRandom,
    private readonly note: (what: string) => void,
    private readonly decideInput: Decide,
  ) {
    for (const sku of SKUS) {
      this.states.stock.set(streamId('stock', sku), { version: 0, state: stockDecider.initialState });
      this.stockEvents.set(sku, []);
      this.receive(sku, 3 + random.below(10));
    }
  }

  /** One thing that happens; `faulty`: it may also be a bad one. */
  step(faulty: boolean): void {
    const { random } = this;
    const draw = random.below(faulty ? 120 : 90);
    if (draw < 25) this.deliver(false);
    else if (draw < 50) this.arrive(faulty);
    else if (draw < 75) this.answer(faulty);
    else if (draw < 85) this.lease();
    else if (draw < 90) this.operate();
    else if (draw < 96) this.place();
    else if (draw < 101) this.cancel();
    else if (draw < 107) this.deliver(true);
    else if (draw < 112) this.crash();
    else if (draw < 117) this.giveUp();
    else this.copyCall();
  }

  get settled(): boolean {
    if (this.calls.length > 0 || this.work.size > 0) return false;
    for (const [orderId, { messages, delivered }] of this.orders) {
      if (delivered < messages.length || !hasEnded(this.ended(orderId))) return false;
    }
    return true;
  }

  violations(): string[] {
    const found = [...this.orders.keys()].flatMap((orderId) =>
      moneyViolations(this.ended(orderId), this.book.payments.get(orderId)).map((what) => `${orderId}: ${what}`),
    );
    const sold = soldPieces([...this.orders.keys()].map((orderId) => this.ended(orderId)));
    for (const [sku, events] of this.stockEvents) found.push(...stockViolations(sku, events, sold));
    return found;
  }

  describe(): string {
    return [...this.orders.keys()].map((orderId) => `${orderId} ${JSON.stringify(this.ended(orderId).fulfilment)}`).join('; ');
  }

  private ended(orderId: string): EndedOrder {
    return {
      order: this.states.order.get(streamId('order', orderId))?.state ?? orderDecider.initialState,
      fulfilment: this.fulfilment(orderId),
    };
  }

  private fulfilment(orderId: string): FulfilmentState {
    return this.states.fulfilment.get(streamId('fulfilment', orderId))?.state ?? initialFulfilment;
  }

  private receive(sku: string, quantity: number): void {
    const id = streamId('stock', sku);
    const { version, state } = this.states.stock.get(id)!;
    const events = stockDecider.decide({ type: 'ReceiveStock', data: { sku, quantity, reference: null } }, state);
    this.stockEvents.get(sku)?.push(...events);
    this.states.stock.set(id, { version: version + events.length, state: events.reduce(stockDecider.evolve, state) });
  }

  private place(): void {
    if (this.orders.size >= 4) return;
    const { random } = this;
    const orderId = `o${this.orders.size + 1}`;
    const items = SKUS.slice(0, 1 + random.below(2)).map((sku) => ({ sku, quantity: 1 + random.below(4) }));
    const token = random.pick(TOKENS);
    // An odd total is what the bank declines to capture.
    const unitPrice = random.chance(0.2) ? 101 : 100;
    const lines = items.map(({ sku, quantity }) => ({ sku, description: null, quantity, unitPrice }));
    const customer = { id: 'c1', name: null, email: null, country: null };
    const data = { orderId, reference: null, customer, currency: 'GBP', lines, paymentToken: token };
    const events = orderDecider.decide({ type: 'PlaceOrder', data }, orderDecider.initialState);
    const state = events.reduce<OrderState>(orderDecider.evolve, orderDecider.initialState);
    this.states.order.set(streamId('order', orderId), { version: events.length, state });
    this.states.fulfilment.set(streamId('fulfilment', orderId), { version: 0, state: initialFulfilment });
    this.states.payment.set(streamId('payment', orderId), { version: 0, state: paymentDecider.initialState });
    const amount = items.reduce((sum, { quantity }) => sum + quantity * unitPrice, 0);
    const start: FulfilmentInput = { type: 'StartFulfilment', orderId, items, amount, currency: 'GBP', paymentToken: token };
    this.orders.set(orderId, { messages: [start], delivered: 0, token });
    this.note(`${orderId} placed: ${amount}, ${token}`);
  }

  private cancel(): void {
    const orderId = this.someOrder();
    if (orderId === undefined) return;
    const id = streamId('order', orderId);
    const { version, state } = this.states.order.get(id)!;
    if (state.status !== 'placed' && state.status !== 'confirmed') return;
    const events: OrderEvent[] = orderDecider.decide({ type: 'CancelOrder', data: { orderId, reason: 'no' } }, state);
    this.states.order.set(id, { version: version + events.length, state: events.reduce(orderDecider.evolve, state) });
    this.orders.get(orderId)?.messages.push({ type: 'RequestCancellation', reason: 'no' });
    this.note(`${orderId} cancelled from ${state.status}`);
  }

  /** The next message of an order; `again`: one it has heard before, and all after it. */
  private deliver(again: boolean): void {
    const waiting = [...this.orders].filter(([, order]) => again || order.delivered < order.messages.length);
    if (waiting.length === 0) return;
    const [orderId, order] = this.random.pick(waiting);
    if (again) order.delivered = this.random.below(order.delivered + 1);
    const input = order.messages[order.delivered];
    if (input !== undefined && this.decide(orderId, input)) order.delivered += 1;
  }

  /** What the runner does with an input. False: the transaction was rolled back. */
  private decide(orderId: string, input: FulfilmentInput, caller = this.random.pick(this.callers)): boolean {
    const before = nextAction(this.fulfilment(orderId));
    const copy = {
      fulfilment: new Map(this.states.fulfilment),
      order: new Map(this.states.order),
      payment: new Map(this.states.payment),
      stock: new Map(this.states.stock),
    };
    const decision = this.decideInput(copy, orderId, input);
    if (this.random.chance(0.03)) {
      this.note(`${orderId} ${input.type} rolled back`);
      return false;
    }
    this.states = copy;
    for (const { streamId: id, events } of decision.writes) {
      if (id.startsWith('stock-')) this.stockEvents.get(id.slice('stock-'.length))?.push(...(events as unknown as StockEvent[]));
    }
    this.note(`${orderId} ${input.type} -> ${decision.state.status} ${decision.action.kind}`);
    if (decision.writes.every(({ streamId: id }) => id !== streamId('fulfilment', orderId))) return true;
    const { action, state } = decision;
    if (state.status === 'parked') this.work.set(orderId, true);
    else if (action.kind === 'none') this.work.delete(orderId);
    else this.work.set(orderId, false);
    const isNew = before.kind !== action.kind || (action.kind !== 'none' && JSON.stringify(before) !== JSON.stringify(action));
    if (isNew && (action.kind === 'send' || action.kind === 'look-up')) this.dispatch(orderId, action, caller);
    return true;
  }

  private dispatch(orderId: string, action: GatewayAction, caller: Caller): void {
    const call: Call = { orderId, action, caller, answer: undefined };
    caller.underWay.set(orderId, call);
    this.calls.push(call);
  }

  /** A request reaches the gateway; a look-up may reach a copy of its book that lags behind. */
  private arrive(faulty: boolean): void {
    const waiting = this.calls.filter(({ answer }) => answer === undefined);
    if (waiting.length === 0) return;
    const call = this.random.pick(waiting);
    const { orderId, action } = call;
    const state = this.fulfilment(orderId);
    if (state.status === 'not-started') throw new Error(`${orderId} pays before it has started`);
    call.answer =
      action.kind === 'look-up'
        ? this.book.lookUp(orderId, faulty && this.random.chance(0.15) ? 1 + this.random.below(2) : 0)
        : this.book.perform(`${orderId}:${action.operation}`, {
            operation: action.operation,
            reference: orderId,
            amount: state.amount,
            token: state.paymentToken,
          });
    this.note(
      `${orderId} ${action.kind} ${action.operation} arrives: ${call.answer.status} ${call.answer.body.status ?? call.answer.body.code}`,
    );
  }

  /** An answer reaches who waits for it, or does not. */
  private answer(faulty: boolean): void {
    const answered = this.calls.filter(({ answer }) => answer !== undefined);
    if (answered.length === 0) return;
    const call = this.random.pick(answered);
    this.calls = this.calls.filter((other) => other !== call);
    const { orderId, action, caller } = call;
    if (caller === undefined) return;
    const isLost = faulty && this.random.chance(0.15);
    const input = isLost ? unknown(action) : inputOf(action, call.answer as GatewayAnswer);
    this.record(orderId, call, caller, input);
  }

  private record(orderId: string, call: Call, caller: Caller, input: FulfilmentInput): void {
    if (caller.underWay.get(orderId) === call) caller.underWay.delete(orderId);
    // A batch that was rolled back is tried again by whoever lives; once is enough here, for the timer is still there.
    this.decide(orderId, input, caller);
  }

  /** A caller stops waiting: the request is still on its way. */
  private giveUp(): void {
    const waiting = this.calls.filter(({ caller }) => caller !== undefined);
    if (waiting.length === 0) return;
    const call = this.random.pick(waiting);
    const { orderId, action, caller } = call;
    call.caller = undefined;
    this.record(orderId, call, caller as Caller, unknown(action));
  }

  /** The network delivers a request twice; nobody waits for the second answer. */
  private copyCall(): void {
    if (this.calls.length === 0) return;
    const { orderId, action } = this.random.pick(this.calls);
    if (action.kind === 'send') this.calls.push({ orderId, action, caller: undefined, answer: undefined });
  }

  private crash(): void {
    const index = this.random.below(this.callers.length);
    const dead = this.callers[index] as Caller;
    for (const call of this.calls) if (call.caller === dead) call.caller = undefined;
    this.callers[index] = { name: dead.name, underWay: new Map() };
    this.note(`${dead.name} crashes`);
  }

  /** A lease has run out, also one that somebody only forgot to renew. */
  private lease(): void {
    const due = [...this.work].filter(([, isParked]) => !isParked);
    if (due.length === 0) return;
    const [orderId] = this.random.pick(due);
    const caller = this.random.pick(this.callers);
    if (caller.underWay.has(orderId)) return;
    const action = nextAction(this.fulfilment(orderId));
    if (action.kind === 'look-up') this.dispatch(orderId, action, caller);
    else if (action.kind === 'send') this.decide(orderId, unknown(action), caller);
  }

  private operate(): void {
    const parked = [...this.work].filter(([, isParked]) => isParked);
    if (parked.length === 0) return;
    const [orderId] = this.random.pick(parked);
    const mode = this.random.chance(0.4) ? 'retry' : 'compensate';
    this.decide(orderId, { type: 'ResumeFulfilment', mode, reason: 'decided' });
  }

  private someOrder(): string | undefined {
    return this.orders.size === 0 ? undefined : this.random.pick([...this.orders.keys()]);
  }
}

const unknown = ({ operation }: GatewayAction): FulfilmentInput => ({ type: 'GatewayUnknown', operation, detail: 'no answer' });

/** As the gateway's client and the dispatcher read an answer. */
function inputOf({ kind, operation }: GatewayAction, { status, body }: GatewayAnswer): FulfilmentInput {
  const gatewayId = body.id ?? null;
  if (kind === 'look-up') {
    const payment = status === 404 ? 'none' : (body.status as 'authorized');
    return { type: 'GatewayFound', operation, payment, gatewayId };
  }
  if (status < 300) return { type: 'GatewayDone', operation, gatewayId };
  if (status === 409) return unknown({ kind, operation, attempt: 1 });
  const reason = { operation, code: body.code ?? 'none', detail: body.detail ?? 'no' };
  return status === 402 ? { type: 'GatewayDeclined', ...reason } : { type: 'GatewayRejected', ...reason };
}
