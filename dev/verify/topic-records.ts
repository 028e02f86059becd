/** A record as it lies on a topic, with as much of its envelope as can be read. */
export interface TopicRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  /** null when the record does not say. */
  readonly streamId: string | null;
  readonly version: number | null;
  readonly eventId: string | null;
  /** See contentDigest; null when it says nothing that could be stored. */
  readonly content: string | null;
}

/** Every record of the event topics from offset 0; of a partition in order. */
export interface TopicRecords {
  batches(): AsyncIterable<readonly TopicRecord[]>;
}

export const placeOf = ({ topic, partition, offset }: Pick<TopicRecord, 'topic' | 'partition' | 'offset'>): string =>
  `${topic}/${partition}@${offset}`;
