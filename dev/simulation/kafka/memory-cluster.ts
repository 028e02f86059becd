import type { JoinAnswer, JoinRequest, Reply } from './group-coordinator.js';
import type { MemoryKafka, StoredRecord } from './memory-kafka.js';

const NODE = 0;

type Topics<Partition> = readonly { readonly topic: string; readonly partitions: readonly Partition[]; readonly fromBeginning?: boolean }[];

interface FetchedPartition {
  readonly partition: number;
  readonly highWatermark: string;
  readonly abortedTransactions: readonly never[];
  readonly messages: readonly StoredRecord[];
}

/** The broker as kafkajs's consumer sees it: requests and their decoded answers. */
class MemoryBrokerNode {
  constructor(private readonly kafka: MemoryKafka) {}

  isConnected(): boolean {
    return this.kafka.up;
  }

  joinGroup({ groupId, ...request }: JoinRequest & { groupId: string }): Promise<JoinAnswer> {
    return this.kafka.ask('join', (reply) => this.kafka.group(groupId).join(request, reply));
  }

  syncGroup({
    groupId,
    generationId,
    memberId,
    groupAssignment,
  }: {
    groupId: string;
    generationId: number;
    memberId: string;
    groupAssignment: readonly { memberId: string; memberAssignment: Buffer }[];
  }): Promise<{ memberAssignment: Buffer }> {
    return this.kafka.ask('sync', (reply) => this.kafka.group(groupId).sync({ memberId, generationId }, groupAssignment, reply));
  }

  heartbeat({ groupId, memberId, groupGenerationId }: { groupId: string; memberId: string; groupGenerationId: number }): Promise<void> {
    return this.kafka.ask('heartbeat', (reply) =>
      this.kafka.group(groupId).heartbeat({ memberId, generationId: groupGenerationId }, reply),
    );
  }

  leaveGroup({ groupId, memberId }: { groupId: string; memberId: string }): Promise<void> {
    return this.kafka.ask('leave', (reply) => this.kafka.group(groupId).leave(memberId, reply));
  }

  offsetCommit({
    groupId,
    memberId,
    groupGenerationId,
    topics,
  }: {
    groupId: string;
    memberId: string;
    groupGenerationId: number;
    topics: Topics<{ partition: number; offset: string }>;
  }): Promise<void> {
    const offsets = new Map(
      topics.flatMap(({ topic, partitions }) => partitions.map(({ partition, offset }) => [`${topic}/${partition}`, String(offset)])),
    );
    return this.kafka.ask('commit offsets', (reply) =>
      this.kafka.group(groupId).commit({ memberId, generationId: groupGenerationId }, offsets, reply),
    );
  }

  offsetFetch({ groupId, topics }: { groupId: string; topics: Topics<{ partition: number }> }): Promise<{ responses: object[] }> {
    return this.kafka.ask('fetch offsets', (reply) => {
      const { committed } = this.kafka.group(groupId);
      reply.resolve({
        responses: topics.map(({ topic, partitions }) => ({
          topic,
          partitions: partitions.map(({ partition }) => ({ partition, offset: committed.get(`${topic}/${partition}`) ?? '-1' })),
        })),
      });
    });
  }

  fetch({
    topics,
    maxWaitTime,
  }: {
    topics: Topics<{ partition: number; fetchOffset: string }>;
    maxWaitTime: number;
  }): Promise<{ responses: object[] }> {
    return this.kafka.ask('fetch', (reply: Reply<{ responses: object[] }>) => {
      let over = false;
      const look = (): void => {
        const responses = topics.map(({ topic, partitions }) => ({
          topicName: topic,
          partitions: partitions.map((wanted) => this.read(topic, wanted)),
        }));
        if (over || responses.some(({ partitions }) => partitions.some(({ messages }) => messages.length > 0))) {
          reply.resolve({ responses });
        } else this.kafka.whenAppended(look);
      };
      const giveUp = (): void => {
        over = true;
        look();
      };
      this.kafka.kernel.schedule('kafka fetch waited', undefined, giveUp, maxWaitTime);
      look();
    });
  }

  private read(topic: string, { partition, fetchOffset }: { partition: number; fetchOffset: string }): FetchedPartition {
    const log = this.kafka.partitions(topic)[partition] ?? [];
    const from = Number(fetchOffset);
    const messages = log.slice(from, from + 1 + this.kafka.kernel.random.below(8));
    return { partition, highWatermark: String(log.length), abortedTransactions: [], messages };
  }
}

/** kafkajs's Cluster over a Kafka in memory; one a consumer, like the real one. */
export class MemoryCluster {
  private readonly node: MemoryBrokerNode;
  private readonly offsets = new Map<string, object>();

  constructor(private readonly kafka: MemoryKafka) {
    this.node = new MemoryBrokerNode(kafka);
  }

  connect(): Promise<void> {
    return this.kafka.ask('connect', (reply) => reply.resolve());
  }

  disconnect(): Promise<void> {
    return Promise.resolve();
  }

  removeBroker(): void {}

  refreshMetadata(): Promise<void> {
    return this.kafka.ask('metadata', (reply) => reply.resolve());
  }

  refreshMetadataIfNecessary(): Promise<void> {
    return Promise.resolve();
  }

  addMultipleTargetTopics(): Promise<void> {
    return this.refreshMetadata();
  }

  getNodeIds(): number[] {
    return [NODE];
  }

  findBroker(): Promise<MemoryBrokerNode> {
    return Promise.resolve(this.node);
  }

  findGroupCoordinator(): Promise<MemoryBrokerNode> {
    return this.kafka.ask('find coordinator', (reply) => reply.resolve(this.node));
  }

  findTopicPartitionMetadata(topic: string): { partitionId: number; leader: number }[] {
    return this.kafka.partitions(topic).map((_log, partitionId) => ({ partitionId, leader: NODE }));
  }

  defaultOffset({ fromBeginning }: { fromBeginning?: boolean }): number {
    return fromBeginning === true ? -2 : -1;
  }

  fetchTopicsOffset(topics: Topics<{ partition: number }>): Promise<object[]> {
    return this.kafka.ask('list offsets', (reply) =>
      reply.resolve(
        topics.map(({ topic, partitions, fromBeginning }) => ({
          topic,
          partitions: partitions.map(({ partition }) => ({
            partition,
            offset: fromBeginning === true ? '0' : String(this.kafka.partitions(topic)[partition]?.length ?? 0),
          })),
        })),
      ),
    );
  }

  committedOffsets({ groupId }: { groupId: string }): object {
    const known = this.offsets.get(groupId) ?? {};
    this.offsets.set(groupId, known);
    return known;
  }
}
