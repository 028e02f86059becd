/** A standstill counts as a hit only when the log shows that something was lost, and that there is a new one of it. */
import { expect, it } from 'vitest';
import { lossIn } from './stop-hits.js';

it.each([
  [['health.changed', 'relay.session.lost', 'relay.round.failed', 'relay.session.opened'], 'relay.session.lost, relay.session.opened'],
  [['relay.round.failed', 'relay.session.opened'], 'relay.round.failed, relay.session.opened'],
  [['relay.session.lost'], undefined],
  [['relay.round.failed'], undefined],
  // it had none when it was stopped
  [['relay.session.opened'], undefined],
  [['relay.session.opened', 'relay.session.lost'], undefined],
  [[], undefined],
])('a relay that logs %j', (events, loss) => {
  expect(lossIn(events, 'lock')).toBe(loss);
});

it.each([
  [['health.changed', 'kafka.consumer.joined', 'kafka.consumer.rebalancing'], 'kafka.consumer.joined'],
  [['kafka.consumer.crashed', 'kafka.consumer.joined'], 'kafka.consumer.joined'],
  [['kafka.consumer.rebalancing', 'kafka.consumer.joined'], 'kept'],
  [['kafka.consumer.broker-back'], undefined],
  [[], undefined],
])('a consumer that logs %j', (events, loss) => {
  expect(lossIn(events, 'session')).toBe(loss);
});
