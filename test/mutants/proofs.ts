import { proofsOf, type ProofTable } from './proof-table.js';

/** Which invariant would not hold if one of these tests failed: by this, and by nothing else, a mutant counts as caught. */
export const PROOFS: ProofTable = {
  'apps/command-api/commands/envelope.spec.ts': {
    'tells %s apart': ['I1'],
  },
  'apps/command-api/commands/idempotency.spec.ts': {
    'gets the very same answer and has no second effect': ['I2'],
    'by a business rule is kept: the repeat is refused the same way, whatever happened since': ['I2'],
    'has exactly one effect; everybody gets that answer or is told that it is still running': ['I2'],
    'through two processes has exactly one effect as well': ['I2'],
  },
  'apps/command-api/commands/stream-lane.spec.ts': {
    'decides again on the new state when a stranger was faster': ['I1', 'I8'],
    'refuses only on a state read after the command came: what it remembers may be out of date': ['I12'],
    'fails a precondition only on a state read after the command came': ['I2', 'I12'],
    'takes the lock after too many lost races, and then cannot lose': ['I1', 'I12'],
    'stores a refusal with its answer and no event': ['I2'],
    'takes no more than may wait': ['I11'],
  },
  'apps/command-api/commands/stream-lock.spec.ts': {
    'a holder that stands still loses the lock, and its commit fails as something that may be tried again': ['I12'],
  },
  'apps/command-api/operation.spec.ts': {
    'is refused with 503 and Retry-After while the queue is full; what was taken is done': ['I11', 'I12'],
    'counts for the whole process: what waits for the stream is bounded as well': ['I11'],
  },
  'apps/command-api/orders/orders.spec.ts': {
    'does it only at the version the client insists on': ['I2'],
  },
  'apps/orchestrator/decision-batch.spec.ts': {
    'sell exactly what is there': ['I8'],
    'reserve all lines or none, and record who was short': ['I8'],
    'hear of a cancellation whose message is still under way': ['I7'],
    'fail alone when they break a rule, and leave the shared state as it was': ['I8'],
  },
  'apps/orchestrator/fulfilment-engine.spec.ts': {
    'confirms an order that is in stock and paid, and ships its goods': ['I7', 'I8', 'I9'],
    'releases the goods when the gateway declines': ['I9'],
    'charges once when the gateway does the %s and its answer is lost': ['I7'],
    'leaves no money authorized when an order is cancelled before its authorization has landed': ['I7'],
    'goes on by itself once a gateway that was away is back': ['I9', 'I12'],
    'is taken over by another process when one dies between deciding and charging': ['I7', 'I9'],
    'sells a hundred pieces to two hundred orders exactly once, with two orchestrators at work': ['I3', 'I8'],
    'refunds the money and takes the goods back when a confirmed order is cancelled': ['I7', 'I8'],
  },
  'test/edges/clocks.spec.ts': {
    'standing where it should leaves the longest wait alone, however short leases are': ['I9'],
  },
  'apps/orchestrator/foresight.spec.ts': {
    'is decided again when its order was cancelled meanwhile': ['I7'],
    'is decided again when the one before it was not committed, though its streams stand where they were expected': ['I8'],
  },
  'apps/orchestrator/fulfilment-faults.spec.ts': {
    'loses its locks after a few seconds, and does the batch again when it goes on': ['I9', 'I12'],
    'waits a bounded time for a lock of somebody else, and lets go of those it has': ['I12'],
    'and its timer are one transaction: no crash can keep one without the other': ['I9'],
    'that could not be committed sends nothing to the gateway': ['I7'],
    'an input the database refuses fails alone, its neighbours are decided': ['I12'],
    'an input that comes in the moment in which the last batch ends is decided': ['I12'],
    'a cancellation does not send the step a second time that is at the gateway': ['I7'],
    'holds back what comes from Kafka, and all of it goes on when it answers again': ['I11'],
    'holds back what is overdue, which stays due for whoever has room': ['I11'],
  },
  'apps/orchestrator/waiting-actions.spec.ts': {
    'leaves in time though no process lives that long': ['I9'],
    'is sent, not asked after, by whoever takes it over: it has never left': ['I9'],
    'neither leaves twice nor waits anew when a cancellation comes': ['I7', 'I9'],
    'is left alone when it is no longer what the order owes: somebody moved the order on in the meantime': ['I7', 'I9'],
    'costs no attempt when a lease that ran out is claimed while it is being written': ['I9'],
    'leaves though the process that takes it still has the step before under way, as one that lost its database does': ['I9'],
    'leaves though the saga beside it cannot be read': ['I9'],
    'keeps its time when the process that had the step before renews its leases': ['I9'],
  },
  'apps/orchestrator/fulfilment-operator.spec.ts': {
    'is told as done and recorded as nothing else, by filter': ['I2'],
    'is told as done and recorded as nothing else, when it is about one': ['I2'],
    'is not done again when the fulfilment has parked anew meanwhile': ['I2'],
    'are refused beyond the places that are free, each with a place of its own': ['I11'],
    'and its events are one transaction: no crash can keep one without the other': ['I2'],
  },
  'apps/orchestrator/gateway-client.spec.ts': {
    'is unknown after an answer that is longer than any it gives': ['I11'],
    'has one idempotency key for ever, its own': ['I7'],
    'is unknown after %i': ['I7'],
    'is not sent while the circuit is open, and is again once the gateway answers': ['I12'],
    'is unknown after %s': ['I7'],
  },
  'apps/orchestrator/parked-fulfilments.spec.ts': {
    'is tried again when an operator says so, once for each key': ['I2'],
  },
  'apps/projector/projection-lane.spec.ts': {
    'commits what comes in one turn of the event loop together, and then what came meanwhile': ['I6'],
    'tells only the guilty partition of a gap': ['I6', 'I10'],
    "blames nobody for what is nobody's fault": ['I6'],
    'hands on what may heal, remembers it, and forgets it when something goes well': ['I6'],
  },
  'apps/query-api/orders/live-order.query.spec.ts': {
    'a live answer beyond the bound is refused, and there is room again when one ends': ['I11'],
  },
  'apps/query-api/reading/projection-waiter.spec.ts': {
    'ends when it arrives': ['I6'],
    'gives up at the deadline and tells how far the source is': ['I6'],
    'turns away whoever comes when too many wait already': ['I11'],
  },
  'apps/relay/kafka-publisher.spec.ts': {
    'that the broker rejects is poison with its message, and what is held back behind it stays': ['I4', 'I5'],
    'that failed stays, and the reason is told': ['I4'],
    'that cannot be encoded is poison and bars its own stream alone': ['I5'],
  },
  'libs/domain/fulfilment/fulfilment.workflow.spec.ts': {
    'writes the undo of a step before the step leaves': ['I9'],
    'releases the reservation when the payment is declined': ['I8', 'I9'],
    'asks by reference after an unknown outcome, and sends again only when the gateway never did it': ['I7'],
    'parks after too many unknown outcomes and goes on when an operator retries': ['I9'],
    'does not close a cancelled order on a look-up that knows nothing: it voids by reference': ['I7'],
    'refunds a capture that was given up and landed after all': ['I7'],
    'ignores repeated, late and foreign inputs': ['I7'],
    'takes no answer of one step for that of another': ['I7'],
    'hears nothing any more once it is rejected or cancelled, a cancellation included': ['I7'],
    'always ends, holds neither goods nor money unless confirmed, and agrees with the gateway’s book': ['I7', 'I8', 'I9'],
  },
  'libs/domain/fulfilment/saga-definition.spec.ts': {
    'with %s is refused': ['I9'],
  },
  'libs/domain/payment/payment.properties.spec.ts': {
    'captures at most what was requested and refunds at most what was captured, at any moment': ['I7'],
    'has each fact at most once, and never both a void and a capture, or a decline and an authorization': ['I7'],
  },
  'libs/domain/stock/stock.decider.spec.ts': {
    'answers a shortage with an event, as someone waits for it': ['I8'],
  },
  'libs/domain/stock/stock.properties.spec.ts': {
    'never goes below zero, never promises more than there is, never takes back more than was shipped': ['I8'],
  },
  'libs/event-store/append-concurrency.spec.ts': {
    'never deadlock, and every version is there exactly once': ['I2', 'I3', 'I5', 'I12'],
    'keys are taken in one order': ['I12'],
    'existing streams are taken in one order': ['I12'],
    'new streams are taken in one order': ['I12'],
  },
  'libs/event-store/append.spec.ts': {
    'writes its events, their outbox rows and the command together': ['I1', 'I4'],
    'is one transaction: no crash can keep an event without its outbox row, or its key': ['I2', 'I4'],
    'is refused whole when one of its streams stands elsewhere': ['I1', 'I8'],
    'may write one stream twice, and takes both back when a later write conflicts': ['I1', 'I3'],
    'see what earlier ones appended, and a conflict costs the neighbours nothing': ['I1', 'I8'],
    'with one idempotency key: the first is written, its like is answered, another is refused': ['I1', 'I2'],
    'with one idempotency key of which the first conflicts: the next takes the key over': ['I1', 'I2'],
    'with keys of an earlier call: all of them are told apart by fingerprint': ['I1', 'I2'],
    'counts only when that commits': ['I1'],
    'lockStreams answers versions that nobody can move before the commit': ['I3', 'I8'],
    'a hundred with one key at once have one effect and all get its answer': ['I2'],
    'one of two that create the same stream wins': ['I3'],
  },
  'libs/event-store/group-commit.spec.ts': {
    'refuses more than the queue holds, and everything once it closes': ['I11'],
    'is tried again for requests with a command, and their own earlier commit counts as appended': ['I2'],
    'a request the database cannot take fails alone': ['I12'],
    'a stream that somebody holds keeps only its own requests waiting, for a bounded time': ['I12'],
    'a stream that is let go in time costs its requests only the wait': ['I12'],
  },
  'libs/event-store/stream-loader.spec.ts': {
    'inside a transaction sees its own events and keeps none of it in memory': ['I8'],
    'of another shape are ignored': ['I8'],
    'are never replaced by an older one': ['I8'],
  },
  'libs/messaging/batch-processor.spec.ts': {
    'hands over a batch in order and reports it as processed': ['I5', 'I6'],
    'sends undecodable messages to the dead letters with their bytes, and only their stream after them': ['I6', 'I10'],
    'gives way to other partitions when it takes longer, with growing waits, and processes nothing meanwhile': ['I6'],
    'stops at a gap, reports it, and ends the process when it lasts': ['I6', 'I9'],
    'does not move past poison it could not put away': ['I6', 'I10'],
    'passes over poison that was discarded, without parking its stream again': ['I10'],
  },
  'libs/messaging/batch-consumer.strategy.spec.ts': {
    'makes one producer for letters that are put away at the same time, tries again when it could not, and closes it': ['I11'],
  },
  'libs/messaging/cloud-events.codec.spec.ts': {
    'refuses %s': ['I10'],
  },
  'libs/messaging/consumer-dead-letters.spec.ts': {
    'loses a stream that it has stood on for too long, to whoever waits for it': ['I9', 'I10'],
    'keeps nothing when the copy for the topic cannot be sent': ['I10'],
    'leaves no letter behind when one arrives while its stream is being released': ['I10'],
    'delivers in order of offset, in pieces, and stays where it stands when one fails': ['I5'],
  },
  'libs/messaging/kafkajs/dead-connection.spec.ts': {
    'is given up for new connections, and the consumer goes on where it stood': ['I9'],
  },
  'libs/messaging/kafkajs/failed-join.patch.spec.ts': {
    'reads what it was newly assigned': ['I9'],
    'lets nothing be fetched after a failed %s until a join has worked': ['I9'],
  },
  'libs/messaging/kafkajs/kafkajs-broker.spec.ts': {
    'keeps the order of each key, in one partition, over many concurrent sends': ['I5'],
    'rejects 10 MB without asking, holds back only what follows of that key, and sends the rest': ['I5'],
    'finds the records the broker refuses, and sends the others in order': ['I5'],
    'sends more than one request may hold, in order': ['I5'],
    'makes a new producer after a fatal error and loses nothing': ['I4'],
  },
  'libs/messaging/kafkajs/kafkajs-producer.spec.ts': {
    'has one request outstanding, in the order of the calls, however many call at once': ['I4', 'I5'],
    'throws a producer away that has failed, whatever of': ['I4'],
  },
  'libs/messaging/kafkajs/kafkajs-consumer.spec.ts': {
    'tries a refused commit again, but not one of an assignment that is over': ['I6'],
    'forgets a commit that was on its way when the assignment ended, and is refused only then': ['I6'],
    'does not put a failed commit behind a later one that went through': ['I11'],
    'gives up the queued batches when a heartbeat says that the membership is over': ['I6'],
  },
  'libs/messaging/operators/consumer-dead-letters.spec.ts': {
    'no more than two releases are under way, so that the consumer keeps connections': ['I11'],
    '%s of one letter is in the transaction that does it': ['I10'],
    '%s by filter has its effects in the transaction that does it': ['I10'],
    'a release %s that is not committed leaves none that it was done': ['I10'],
  },
  'libs/outbox/outbox-dead-letters.spec.ts': {
    '%s is one transaction with its record': ['I10'],
    'a poison row is put aside with its message; its stream waits, all others go on': ['I5', 'I10'],
    'released, it goes first and the waiting rows follow': ['I4', 'I5', 'I10'],
  },
  'libs/outbox/relay-session.spec.ts': {
    'is ended by the server when it stands still inside a transaction': ['I4'],
  },
  'libs/outbox/outbox-relay.spec.ts': {
    'publishes all rows in order within each stream and deletes them': ['I4', 'I5'],
    'does not skip what commits after something newer was published': ['I4'],
    'keeps rows whose sending failed, and sends them again in order': ['I4', 'I5'],
    'bounds a round in rows and in bytes, and lets no busy shard starve the others': ['I11'],
    'is read on in some shards while rows of others are on their way, each row once and in order': ['I4', 'I5'],
    'keeps what failed in some shards, and gives up no shard before the others are done': ['I4', 'I5'],
    'of some shards does not keep rows of others waiting': ['I12'],
    'share the shards, and one that dies is replaced': ['I4', 'I5', 'I12'],
    'a relay that stalled with only part of a stream read does not let the rest overtake': ['I5'],
  },
  'libs/outbox/scan-floor.spec.ts': {
    'rises over what was published, and not over what still waits': ['I4'],
    'stays below a position whose transaction is open, however much is published above it': ['I4'],
    'does not hide a row that commits between two soundings': ['I4'],
    'is found by the very next read after its release, with the rows that waited behind it': ['I4', 'I10'],
  },
  'libs/platform/pool.spec.ts': {
    'fail the rest of a transaction at once, and are replaced though their holder gives them back as they are': ['I12'],
  },
  'libs/platform/wire-manners.spec.ts': {
    'answers 503 with Retry-After beyond its places, health asked all the same, and takes more when one is free': ['I11', 'I12'],
    'counts bodies before they have arrived, and no longer when their client has left': ['I11', 'I12'],
    'is a question to %s; a body sent there counts like any other': ['I11'],
    'is a question to the failpoints only where there are any': ['I11'],
    'serves on while it drains, with readiness off and each connection closed': ['I12'],
  },
  'libs/platform/shutdown.spec.ts': {
    'runs its steps in order, each after the one before it, and only once': ['I12'],
  },
  'libs/read-models/projection/projection-writer.spec.ts': {
    'a statement that pg cannot send, so that the server never hears of it, keeps the COMMIT from being sent': ['I6'],
    'hold what a fold says, however the events arrive': ['I6'],
    'count once where no key of a table would refuse them': ['I6'],
    'are dropped, within a batch and across batches': ['I6'],
    'a gap is refused and changes nothing': ['I6'],
    'effects and checkpoints vanish together when the transaction does': ['I6'],
  },
  'libs/read-models/rebuild/rebuild-beside.spec.ts': {
    'of %s leaves tables of the same shape and content': ['I6'],
    'finds rows that were changed, lost or added by hand, and leaves them until told otherwise': ['I6'],
    'heals tables that were lost together with their checkpoints': ['I6'],
    'takes along what the store has and the live tables have not yet; it comes to them again as a duplicate': ['I6'],
    'nothing is lost or doubled, and no query fails or sees a mix': ['I6'],
  },
  'test/relay/fail-over.spec.ts': {
    'one relay stands still, goes on, and dies: nothing is lost and nothing is reordered': ['I4', 'I5', 'I12'],
  },
};

export const proofs = proofsOf(PROOFS);
