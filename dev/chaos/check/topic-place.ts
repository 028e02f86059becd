interface Place {
  readonly topic: string;
  readonly partition: number | null;
  readonly offset: string | null;
}

/** Where a record lies. Topics are told apart by their last part: the first is a prefix that some know and others take off. */
export const topicPlace = ({ topic, partition, offset }: Place): string =>
  `${topic.slice(topic.lastIndexOf('.') + 1)}/${partition}@${offset}`;
