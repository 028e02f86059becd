import type { Kernel } from '../kernel/kernel.js';
import { protocolError } from './kafkajs-internals.js';

/** Where an answer goes; calling it twice, or too late, does nothing. */
export interface Reply<T> {
  resolve(answer: T): void;
  reject(error: Error): void;
}

export interface JoinAnswer {
  readonly generationId: number;
  readonly leaderId: string;
  readonly memberId: string;
  readonly groupProtocol: string;
  readonly members: readonly { readonly memberId: string; readonly memberMetadata: Buffer }[];
}

export interface JoinRequest {
  readonly memberId: string;
  readonly sessionTimeout: number;
  readonly rebalanceTimeout: number;
  readonly groupProtocols: readonly { readonly name: string; readonly metadata: Buffer }[];
}

export interface Membership {
  readonly memberId: string;
  readonly generationId: number;
}

interface Member {
  readonly id: string;
  readonly request: JoinRequest;
  lastSeen: number;
  joining: Reply<JoinAnswer> | undefined;
  syncing: Reply<{ memberAssignment: Buffer }> | undefined;
}

/** The broker's side of a consumer group, as Kafka's coordinator does it: generations, and a barrier at each join. */
export class GroupCoordinator {
  readonly committed = new Map<string, string>();
  private members = new Map<string, Member>();
  private generation = 0;
  private phase: 'empty' | 'joining' | 'syncing' | 'stable' = 'empty';
  private assignments = new Map<string, Buffer>();
  private named = 0;
  private barrier = 0;

  constructor(
    private readonly kernel: Kernel,
    private readonly onCommit: (partition: string, offset: string) => void,
  ) {}

  join(request: JoinRequest, reply: Reply<JoinAnswer>): void {
    if (request.memberId !== '' && !this.members.has(request.memberId)) return reply.reject(protocolError('UNKNOWN_MEMBER_ID'));
    const id = request.memberId === '' ? `member-${(this.named += 1)}` : request.memberId;
    this.members.set(id, { id, request, lastSeen: this.kernel.now, joining: reply, syncing: undefined });
    this.watch(id);
    if (this.phase !== 'joining') this.rebalance();
    this.completeIfAllJoined();
  }

  sync(
    { memberId, generationId }: Membership,
    assignment: readonly { memberId: string; memberAssignment: Buffer }[],
    reply: Reply<{ memberAssignment: Buffer }>,
  ): void {
    const member = this.members.get(memberId);
    const problem = this.problemOf({ memberId, generationId });
    if (problem !== undefined) return reply.reject(problem);
    if (this.phase === 'joining') return reply.reject(protocolError('REBALANCE_IN_PROGRESS'));
    (member as Member).syncing = reply;
    (member as Member).lastSeen = this.kernel.now;
    if (assignment.length > 0) {
      this.assignments = new Map(assignment.map((each) => [each.memberId, each.memberAssignment]));
      this.phase = 'stable';
    }
    if (this.phase !== 'stable') return;
    for (const each of this.members.values()) {
      each.syncing?.resolve({ memberAssignment: this.assignments.get(each.id) ?? Buffer.alloc(0) });
      each.syncing = undefined;
    }
  }

  heartbeat(membership: Membership, reply: Reply<void>): void {
    const problem = this.problemOf(membership);
    if (problem !== undefined) return reply.reject(problem);
    (this.members.get(membership.memberId) as Member).lastSeen = this.kernel.now;
    if (this.phase === 'joining') reply.reject(protocolError('REBALANCE_IN_PROGRESS'));
    else reply.resolve();
  }

  leave(memberId: string, reply: Reply<void>): void {
    if (!this.members.has(memberId)) return reply.reject(protocolError('UNKNOWN_MEMBER_ID'));
    this.remove(memberId);
    reply.resolve();
  }

  /** @param offsets by `topic/partition` */
  commit(membership: Membership, offsets: ReadonlyMap<string, string>, reply: Reply<void>): void {
    const problem = this.problemOf(membership);
    if (problem !== undefined) return reply.reject(problem);
    if (this.phase === 'syncing') return reply.reject(protocolError('REBALANCE_IN_PROGRESS'));
    for (const [partition, offset] of offsets) {
      this.committed.set(partition, offset);
      this.onCommit(partition, offset);
    }
    reply.resolve();
  }

  private problemOf({ memberId, generationId }: Membership): Error | undefined {
    if (!this.members.has(memberId)) return protocolError('UNKNOWN_MEMBER_ID');
    return generationId === this.generation ? undefined : protocolError('ILLEGAL_GENERATION');
  }

  private rebalance(): void {
    this.phase = 'joining';
    for (const member of this.members.values()) {
      member.syncing?.reject(protocolError('REBALANCE_IN_PROGRESS'));
      member.syncing = undefined;
    }
    this.barrier += 1;
    const { barrier } = this;
    const patience = Math.max(0, ...[...this.members.values()].map(({ request }) => request.rebalanceTimeout));
    const giveUp = (): void => {
      if (this.phase !== 'joining' || this.barrier !== barrier) return;
      for (const member of this.members.values()) if (member.joining === undefined) this.members.delete(member.id);
      this.completeIfAllJoined();
    };
    this.kernel.schedule('group waited long enough', undefined, giveUp, patience);
  }

  private completeIfAllJoined(): void {
    const members = [...this.members.values()];
    if (members.length === 0) {
      this.phase = 'empty';
      return;
    }
    if (members.some(({ joining }) => joining === undefined)) return;
    this.generation += 1;
    this.phase = 'syncing';
    const [leader] = members as [Member];
    const all = members.map(({ id, request }) => ({
      memberId: id,
      memberMetadata: request.groupProtocols[0]?.metadata ?? Buffer.alloc(0),
    }));
    for (const member of members) {
      member.joining?.resolve({
        generationId: this.generation,
        leaderId: leader.id,
        memberId: member.id,
        groupProtocol: leader.request.groupProtocols[0]?.name ?? '',
        members: member === leader ? all : [],
      });
      member.joining = undefined;
      member.lastSeen = this.kernel.now;
      this.watch(member.id);
    }
  }

  private remove(memberId: string): void {
    this.members.delete(memberId);
    if (this.phase !== 'joining') this.rebalance();
    this.completeIfAllJoined();
  }

  /** Whoever is silent for a session is out. Those who wait for the others to join are not silent. */
  private watch(memberId: string): void {
    const member = this.members.get(memberId);
    if (member === undefined) return;
    const { lastSeen } = member;
    const look = (): void => {
      if (this.members.get(memberId) !== member || member.joining !== undefined) return;
      if (member.lastSeen > lastSeen) this.watch(memberId);
      else this.remove(memberId);
    };
    this.kernel.schedule('group session over', undefined, look, member.request.sessionTimeout);
  }
}
