import { parseStreamId, STREAM_CATEGORIES, type StreamCategory } from '#domain';

/** Broker-side namespace of everything we own. Only the broker adapter knows that a deployment may use another one. */
export const DEFAULT_TOPIC_PREFIX = 'tidemark';

/** Never change it on a live system: the partition of a stream, and so its order, hangs on it. */
export const PARTITIONS_PER_TOPIC = 12;

/** One topic per aggregate type, by the name the whole code base uses, whatever the deployment's prefix is. */
export const TOPICS = Object.fromEntries(STREAM_CATEGORIES.map((category) => [category, `${DEFAULT_TOPIC_PREFIX}.${category}`])) as {
  readonly [Category in StreamCategory]: `tidemark.${Category}`;
};

/** Where consumers put what they could not take, with the original bytes. */
export const DEAD_LETTER_TOPIC = `${DEFAULT_TOPIC_PREFIX}.dead-letters`;

/** Topic of a stream's events. Throws a RangeError for an id outside the known categories. */
export function topicOf(streamId: string): string {
  const stream = parseStreamId(streamId);
  if (stream === undefined) throw new RangeError(`stream id ${JSON.stringify(streamId.slice(0, 100))} belongs to no known category`);
  return TOPICS[stream.category];
}

/**
 * Translates between our names and the broker's, so that several stacks can share one broker: with prefix `blue`,
 * `tidemark.order` is `blue.order` there and consumer group `projector` is `blue.projector`.
 */
export class BrokerNames {
  constructor(private readonly prefix: string = DEFAULT_TOPIC_PREFIX) {
    if (!/^[a-zA-Z0-9._-]{1,100}$/.test(prefix)) throw new RangeError(`topic prefix ${JSON.stringify(prefix)} is not a legal topic name`);
  }

  toBroker(topic: string): string {
    return this.swap(topic, DEFAULT_TOPIC_PREFIX, this.prefix);
  }

  fromBroker(topic: string): string {
    return this.swap(topic, this.prefix, DEFAULT_TOPIC_PREFIX);
  }

  group(groupId: string): string {
    return `${this.prefix}.${groupId}`;
  }

  private swap(topic: string, from: string, to: string): string {
    if (!topic.startsWith(`${from}.`)) throw new RangeError(`topic ${JSON.stringify(topic)} does not start with ${from}.`);
    return `${to}${topic.slice(from.length)}`;
  }
}
