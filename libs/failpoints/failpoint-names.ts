/**
 * Every place of the system where a process can be made to die, throw or stall, by the process it belongs to. A name that is not here
 * cannot be armed, so that a slip of the pen in a fault plan is an error and not a plan that injects nothing.
 */
export const FAILPOINTS = {
  'command-api.before-append': 'before the transaction of an append begins',
  'command-api.append-sent': 'the append is under way to the database, its answer not yet read',
  'command-api.committed': 'the append is committed, nobody has been told',
  'command-api.before-response': 'the answer is ready, nothing of it was sent',
  'relay.read': 'rows of the outbox read, nothing sent',
  'relay.sent': 'rows sent, the broker has not yet acknowledged them',
  'relay.half-acknowledged': 'half of a batch is sent and acknowledged, the other half not',
  'relay.acknowledged': 'the broker acknowledged all, the rows are not yet deleted',
  'projector.fetched': 'a batch fetched, nothing written',
  'projector.written': 'read models written, the checkpoint not yet',
  'projector.committed': 'read models and checkpoint committed, the offset not yet',
  'projector.rebuild-filled': 'a rebuild has filled its tables beside the live ones',
  'projector.rebuild-swap': 'a rebuild is inside its swap, which is not committed',
  'orchestrator.consumed': 'a batch consumed, no saga started',
  'orchestrator.decided': 'sagas decided, their events not yet stored',
  'orchestrator.committed': 'sagas and what they decided are committed, nothing is dispatched and nobody has been told',
  'orchestrator.reserved': 'stock is reserved, the charge not yet asked for',
  'orchestrator.captured': 'the gateway has captured, the order is not yet confirmed',
  'orchestrator.compensating': 'inside a compensation, which is not yet stored',
  'orchestrator.timer': 'overdue actions taken, none begun',
  'gateway.charged': 'the charge is in the book, its answer not yet sent',
  'gateway.slow': 'a call was received, nothing done with it',
  'gateway.error': 'a call was received; throwing answers 500 before anything is done',
  'gateway.contradict': 'a look-up is about to be answered; throwing makes it deny what the book says',
} as const;

export type FailpointName = keyof typeof FAILPOINTS;

export const isFailpointName = (text: string): text is FailpointName => Object.hasOwn(FAILPOINTS, text);
