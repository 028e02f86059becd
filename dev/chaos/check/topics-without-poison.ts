import type { TopicRecord, TopicRecords } from '../../verify/topic-records.js';
import type { Poison } from '../history/history-record.js';
import { topicPlace } from './topic-place.js';

/** The topics without the records that were put there on purpose: those are for I10. */
export function withoutPoison(topics: TopicRecords, poison: readonly Poison[]): TopicRecords {
  const places = new Set(poison.map(topicPlace));
  return {
    async *batches(): AsyncGenerator<readonly TopicRecord[]> {
      for await (const records of topics.batches()) {
        yield places.size === 0 ? records : records.filter((record) => !places.has(topicPlace(record)));
      }
    },
  };
}
