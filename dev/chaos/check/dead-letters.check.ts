import type { Poison } from '../history/history-record.js';
import type { Bounds } from './bounds.js';
import type { DeadLetterCopies } from './dead-letter-copies.js';
import type { FaultWindows } from './fault-windows.js';
import { readersOf } from './poison-readers.js';
import type { DeadLetterFacts, OrderFacts, ParkedStreamFacts } from './store-facts.js';
import { topicPlace } from './topic-place.js';
import { number, Violations, type Judgement } from './violations.js';

export interface DeadLetterInputs {
  readonly poison: readonly Poison[];
  readonly letters: readonly DeadLetterFacts[];
  readonly copies: DeadLetterCopies;
  readonly parked: readonly ParkedStreamFacts[];
  readonly orders: Iterable<OrderFacts>;
  readonly faults: FaultWindows;
  readonly bounds: Pick<Bounds, 'streamBlockedMs' | 'streamBlockedWallMs'>;
}

/**
 * I10:
 * - every injected poison is among the dead letters of every group that reads its topic, byte by byte as it was sent, and nothing else
 *   is, but what waits behind poison of its own stream; the copies on the dead-letter topic are the same bytes
 * - no other stream is parked; nothing is left behind of a stream that is not parked any more
 * - no other stream was held up longer than the bounds (of all its time without a fault, and of time in all), and none was after an
 *   operator had let it go on
 */
export function checkDeadLetters({ poison, letters, copies, parked, orders, faults, bounds }: DeadLetterInputs): Judgement {
  const violations = new Violations();
  const injected = new Map(poison.map((each) => [topicPlace(each), each]));
  const poisoned = new Set(poison.map(({ streamId }) => streamId).filter((streamId) => streamId !== null));
  const kept = new Set(parked.map(({ group, streamId }) => `${group} ${streamId}`));
  const found = new Set<string>();
  let behind = 0;
  let longestHeldMs = 0;
  for (const letter of letters) {
    const { group, streamId, code, topic, state, sha256, recordedAt, resolvedAt } = letter;
    const place = topic === null ? 'the outbox' : topicPlace({ ...letter, topic });
    const ids = [place, streamId ?? 'no stream'];
    if (topic !== null && state === 'held' && streamId !== null && !kept.has(`${group} ${streamId}`))
      violations.add(`${group} goes on with ${streamId} and left ${place} behind among its dead letters`, ids, LOOK_AT);
    if (resolvedAt !== null) {
      const quietMs = faults.quietBetween(recordedAt, resolvedAt);
      longestHeldMs = Math.max(longestHeldMs, resolvedAt - recordedAt);
      if (quietMs > bounds.streamBlockedMs)
        violations.add(`${group} held ${place} for ${quietMs} ms without any fault (bound ${bounds.streamBlockedMs} ms)`, ids, LOOK_AT);
    }
    const sent = topic === null ? undefined : injected.get(place);
    if (sent !== undefined) {
      found.add(`${group} ${place}`);
      if (sha256 !== sent.sha256) violations.add(`${group} did not keep ${sent.what} at ${place} as it was sent`, ids, LOOK_AT);
    } else if (code === 'stream-parked' && streamId !== null && poisoned.has(streamId)) behind += 1;
    else violations.add(`${group} could not take ${place} (${code}), and nobody put it there`, ids, LOOK_AT);
  }
  let expected = 0;
  for (const [place, each] of injected) {
    const readers = readersOf(each);
    expected += readers.length;
    if (readers.length === 0) violations.add(`nobody reads ${each.topic}, where ${each.what} was put`, [place], 'history');
    for (const group of readers) {
      const copied = [...(copies.get(`${group} ${place}`) ?? [])];
      const ids = [place, each.streamId ?? 'no stream'];
      if (!found.has(`${group} ${place}`))
        violations.add(`${each.what} at ${place} is not among the dead letters of ${group}`, ids, LOOK_AT);
      else if (copied.length === 0) violations.add(`${group} put no copy of ${each.what} at ${place} on the dead-letter topic`, ids, TOPIC);
      else if (copied.some((sha256) => sha256 !== each.sha256))
        violations.add(`the copy ${group} made of ${each.what} at ${place} is not as it was sent`, ids, TOPIC);
    }
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
    checked: `${number(injected.size)} injected poison records, to be set aside ${number(expected)} times, are among ${number(letters.length)} dead letters and on the dead-letter topic as they were sent, ${number(behind)} waited behind them, at most ${number(longestHeldMs)} ms until an operator let them go on; no other stream held back, longest wait ${number(slowest.quietMs)} ms without a fault, ${number(slowest.wallMs)} ms in all`,
    counted: {
      poison: injected.size,
      expected,
      letters: letters.length,
      behind,
      parked: parked.length,
      longestHeldMs,
      longestQuietWaitMs: slowest.quietMs,
      longestWaitMs: slowest.wallMs,
    },
    violations,
  };
}

const LOOK_AT = 'SELECT * FROM tidemark.consumer_dead_letters; SELECT * FROM tidemark.outbox_dead_letters';
const TOPIC = 'the dead-letter topic';
