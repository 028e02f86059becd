import { setTimeout as delay } from 'node:timers/promises';
import { messageDigest } from '../history/message-digest.js';
import { REPLICAS } from '../stack/instance.js';
import { TopicWriter } from '../stack/topic-writer.js';
import { CONSUMERS, occupiesTopics } from './message.faults.js';
import type { FaultKind } from './fault.js';
import { poisonOf } from './poison.js';

/** Who reads the order topic, and so sets the record and the order's later events aside. */
const READERS = ['orchestrator', 'projector'] as const;
/** For one try to heal; the runner tries again until its own deadline. */
const SET_ASIDE_WITHIN_MS = 30_000;

/**
 * A record that can never be applied, under an order that is on its way: what happens to that order next waits behind it, in every group,
 * until an operator discards the record and lets the order go on. Then it must end like all others.
 */
export const livePoison: FaultKind = {
  kind: 'poison on a live order, released by an operator',
  targets: ['bad-json', 'null-value', 'no-id', 'wrong-data'],
  holdMs: [1_000, 5_000],
  weight: 2,
  occupies: occupiesTopics,
  async inject({ stack, watch, target, random, recordPoison }) {
    const young = await watch.rows<{ streamId: string }>(
      `SELECT stream_id AS "streamId" FROM tidemark.events WHERE type = 'OrderPlaced' AND position > (SELECT max(position) FROM tidemark.events) - 500
       ORDER BY position DESC LIMIT 20`,
    );
    if (young.length === 0) throw new Error('no order is on its way');
    const { streamId } = random.of(young);
    const { what, topic, message } = poisonOf(target, random, streamId);
    const { partition, offset } = await new TopicWriter(stack).send(topic, message);
    recordPoison({ kind: 'poison', at: Date.now(), topic, partition, offset, streamId, what, sha256: messageDigest(message) });
    const replica = random.of(REPLICAS);
    return {
      heal: async () => {
        for (const reader of READERS) await release(stack.urlOf(reader, replica), streamId, offset);
      },
      hit: CONSUMERS,
      note: `${streamId}, by ${READERS.map((reader) => `${reader}-${replica}`).join(' and ')}`,
    };
  },
};

/** As the runbook says: discard the record, then release its stream. May be begun anew after a failure. */
async function release(url: string, streamId: string, offset: string): Promise<void> {
  const letter = await setAside(url, streamId, offset);
  if (letter.state === 'held') await act(`${url}/dead-letters/${letter.id}/discard`);
  await act(`${url}/parked-streams/${streamId}/release`);
}

async function setAside(url: string, streamId: string, offset: string): Promise<{ id: number; state: string }> {
  for (const giveUpAt = Date.now() + SET_ASIDE_WITHIN_MS; ; await delay(200)) {
    const response = await fetch(`${url}/dead-letters?streamId=${streamId}`, { signal: AbortSignal.timeout(5_000) });
    const { items = [] } = (await response.json()) as { items?: { id: number; offset: string; state: string }[] };
    const letter = items.find((each) => each.offset === offset);
    if (letter !== undefined) return letter;
    if (Date.now() > giveUpAt) throw new Error(`${url} has no dead letter of ${streamId} at ${offset}`);
  }
}

async function act(url: string): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Actor': 'olga' },
    body: JSON.stringify({ reason: 'put there by the fault runner' }),
    signal: AbortSignal.timeout(10_000),
  });
  const text = await response.text();
  // Already discarded or released, by a try of ours whose answer was lost.
  if (response.ok || response.status === 404 || (response.status === 409 && text.includes('dead-letter-not-held'))) return;
  throw new Error(`${url} answered ${response.status}: ${text.slice(0, 300)}`);
}
