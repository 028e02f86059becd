import { PARTITIONS_PER_TOPIC, TOPICS } from '#messaging';
import type { StackWatch } from '../stack/stack-watch.js';
import { TopicRepeater, type OffsetRange } from '../stack/topic-repeater.js';
import type { EventTopic } from '../stack/topic-writer.js';
import type { FaultKind } from './fault.js';
import { CONSUMERS, occupiesTopics } from './message.faults.js';

/** Every topic that somebody of ours reads. */
const READ_TOPICS: readonly string[] = [TOPICS.order, TOPICS.stock, TOPICS.fulfilment];
/** Of a whole topic at most so many of each partition: each replay doubles what it replays. */
const LAST_OF_A_PARTITION = 2_000;
/** A record is delivered at most five times: once as it came, and so often more. */
const MOST_COPIES = 4;

const endOf = async (watch: StackWatch, topic: string, partition: number): Promise<number> =>
  (await watch.ends([topic])).get(`${topic}/${partition}`) ?? 0;

/** Every record of a partition once more, while the groups go on reading: each is a duplicate, many of long ago. */
const replayPartition: FaultKind = {
  kind: 'replay a partition',
  targets: READ_TOPICS,
  holdMs: [0, 0],
  occupies: occupiesTopics,
  async inject({ stack, watch, target, random }) {
    const partition = random.between(0, PARTITIONS_PER_TOPIC - 1);
    const whole = new Map([[partition, { from: 0, end: await endOf(watch, target, partition) }]]);
    const records = await new TopicRepeater(stack).republish(target as EventTopic, whole);
    return { hit: CONSUMERS, note: `${records} records of partition ${partition}` };
  },
};

/** A whole topic once more: all partitions, from the beginning as long as it is small. */
const replayTopic: FaultKind = {
  kind: 'replay a topic',
  targets: READ_TOPICS,
  holdMs: [0, 0],
  weight: 2,
  occupies: occupiesTopics,
  async inject({ stack, watch, target }) {
    const ends = await watch.ends([target]);
    const records = await new TopicRepeater(stack).republish(target as EventTopic, lastOf(target, ends, LAST_OF_A_PARTITION));
    return { hit: CONSUMERS, note: `${records} records of ${ends.size} partitions` };
  },
};

/** The last so many records of each partition of a topic. */
export function lastOf(topic: string, ends: ReadonlyMap<string, number>, count: number): Map<number, OffsetRange> {
  return new Map([...ends].map(([place, end]) => [Number(place.slice(topic.length + 1)), { from: Math.max(0, end - count), end }]));
}

/** For a while every record of a topic is delivered one to five times, the copies among the records that follow. */
const oneToFiveTimes: FaultKind = {
  kind: 'every record 1 to 5 times',
  targets: READ_TOPICS,
  holdMs: [3_000, 8_000],
  weight: 2,
  occupies: occupiesTopics,
  async inject({ stack, target, random }) {
    const repetition = await new TopicRepeater(stack).repeat(target as EventTopic, () => random.between(0, MOST_COPIES));
    return {
      // Broken off, the window is over as well; how far it came is in the note.
      heal: () => repetition.stop().catch(() => undefined),
      hit: CONSUMERS,
      get note() {
        return `${repetition.counts.records} records, ${repetition.counts.copies} copies`;
      },
    };
  },
};

export const repeatFaults: readonly FaultKind[] = [replayPartition, replayTopic, oneToFiveTimes];
