/** Aggregate types; a stream id is `<category>-<key>` and each category has its own Kafka topic. */
export const STREAM_CATEGORIES = ['order', 'stock', 'payment', 'fulfilment'] as const;
export type StreamCategory = (typeof STREAM_CATEGORIES)[number];

export const streamId = (category: StreamCategory, key: string): string => `${category}-${key}`;

/** Splits a stream id; undefined when it names no category of ours. */
export function parseStreamId(id: string): { category: StreamCategory; key: string } | undefined {
  const dash = id.indexOf('-');
  const category = STREAM_CATEGORIES.find((known) => known === id.slice(0, dash));
  return category !== undefined && dash < id.length - 1 ? { category, key: id.slice(dash + 1) } : undefined;
}
