import type { Poison } from '../history/history-record.js';
import type { Bounds } from './bounds.js';
import type { FaultWindows } from './fault-windows.js';
import type { DeadLetterFacts, OrderFacts, ParkedStreamFacts } from './store-facts.js';
import { topicPlace } from './topic-place.js';
import { number, Violations, type Judgement } from './violations.js';

export interface DeadLetterInputs {
  readonly poison: readonly Poison[];
  readonly letters: readonly DeadLetterFacts[];
  readonly parked: readonly ParkedStreamFacts[];
  readonly orders: Iterable<OrderFacts>;
  readonly faults: FaultWindows;
  readonly bounds: Pick<Bounds, 'streamBlockedMs' | 'streamBlockedWallMs'>;
}

/**
 * I10: every injected poison is among the dead letters of a group that reads its topic, and nothing else is, but what waits behind
 * poison of its own stream; no other stream is parked, and none was held up longer than the bounds (of all its time without a
 * fault, and of time in all).
 */
export function checkDeadLetters({ poison, letters, parked, orders, faults, bounds }: DeadLetterInputs): Judgement {
  const violations = new Violations();
  const injected = new Map(poison.map((each) => [topicPlace(each), each]));
  const poisoned = new Set(poison.map(({ streamId }) => streamId).filter((streamId) => streamId !== null));
  const found = new Set<string>();
  let behind = 0;
  for (const letter of letters) {
    const { group, streamId, code, topic } = letter;
    const place = topic === null ? 'the outbox' : topicPlace({ ...letter, topic });
    if (topic !== null && injected.has(place)) found.add(place);
    else if (code === 'stream-parked' && streamId !== null && poisoned.has(streamId)) behind += 1;
    else violations.add(`${group} could not take ${place} (${code}), and nobody put it there`, [place, streamId ?? 'no stream'], LOOK_AT);
  }
  for (const [place, { what, streamId }] of injected) {
    if (!found.has(place)) violations.add(`${what} at ${place} is among nobody's dead letters`, [place, streamId ?? 'no stream'], LOOK_AT);
  }
  for (const { group, streamId, code } of parked) {
    if (!poisoned.has(streamId))
      violations.add(`${group} holds back ${streamId} (${code}), and nobody poisoned it`, [streamId], 'tidemark.consumer_parked_streams');
  }
  const slowest = { quietMs: 0, wallMs: 0 };
  for (const { orderId, placedAt, startedAt } of orders) {
    if (placedAt === null || startedAt === null || poisoned.has(`order-${orderId}`)) continue;
    const quietMs = faults.quietBetween(placedAt, startedAt);
    const wallMs = startedAt - placedAt;
    slowest.quietMs = Math.max(slowest.quietMs, quietMs);
    slowest.wallMs = Math.max(slowest.wallMs, wallMs);
    const tooLong =
      quietMs > bounds.streamBlockedMs
        ? `${quietMs} ms without any fault before its fulfilment began (bound ${bounds.streamBlockedMs} ms)`
        : wallMs > bounds.streamBlockedWallMs
          ? `${wallMs} ms before its fulfilment began (bound ${bounds.streamBlockedWallMs} ms)`
          : undefined;
    if (tooLong !== undefined) violations.add(`order ${orderId} waited ${tooLong}`, [`order-${orderId}`], 'tidemark.events');
  }
  return {
    checked: `${number(injected.size)} injected poison records are among ${number(letters.length)} dead letters, ${number(behind)} wait behind them; no other stream held back, longest wait ${number(slowest.quietMs)} ms without a fault, ${number(slowest.wallMs)} ms in all`,
    counted: {
      poison: injected.size,
      letters: letters.length,
      behind,
      parked: parked.length,
      longestQuietWaitMs: slowest.quietMs,
      longestWaitMs: slowest.wallMs,
    },
    violations,
  };
}

const LOOK_AT = 'SELECT * FROM tidemark.consumer_dead_letters; SELECT * FROM tidemark.outbox_dead_letters';
