import { DomainError, SCHEMA_VERSIONS, type AnyDomainEvent, type Decider } from '#domain';
import type { AppendRequest, AppendVerdict, EventStore, GroupCommit, StreamLoader } from '#event-store';
import { newId, problemOf } from '#platform';
import { idempotencyKeyReused, preconditionFailed, tooManyRequests } from '../problems.js';
import { acceptedAnswer, refusedAnswer, type Acceptance, type CommandAnswer, type CommandOutcome } from './command-answer.js';
import type { CommandEnvelope } from './command-envelope.js';
import { matches } from './if-match.js';
import type { StreamLock } from './stream-lock.js';

export interface StreamCommand<State, Command> {
  readonly streamId: string;
  readonly command: Command & { readonly type: string };
  /** Business time, ISO 8601 UTC. */
  readonly occurredAt: string;
  readonly envelope: CommandEnvelope;
  /** The stream id was minted for this command: there is nothing to load. */
  readonly isNew?: boolean;
  /** What the client is told, from the state after the command. */
  accepted(state: State): Acceptance;
}

export interface LaneOptions<State extends object, Command, Event extends AnyDomainEvent> {
  readonly decider: Decider<State, Command, Event>;
  readonly loader: StreamLoader<State, Event>;
  readonly groupCommit: Pick<GroupCommit, 'append'>;
  readonly store: Pick<EventStore, 'findAnswer'>;
  /** Commands that may wait for one stream; beyond it clients get 429. */
  readonly maxWaiting: number;
  readonly lock: StreamLock;
  /** Races with other processes a command may lose before it takes the stream's lock. */
  readonly maxConflicts: number;
}

/** A state that some moment after `provenAt` really held; `provenAt` is -1 when it is only remembered. */
interface Head<State> {
  readonly state: State;
  readonly version: number;
  readonly provenAt: number;
}

interface Job<State, Command> extends StreamCommand<State, Command> {
  readonly commandId: string;
  readonly arrivedAt: number;
  resolve(outcome: CommandOutcome): void;
  reject(error: unknown): void;
}

/**
 * Carries out the commands of one stream one after the other, each on the state its predecessor left, so that thousands of clients of
 * one stream never race each other; appends of different streams share a commit through GroupCommit.
 * - What is appended rests on the version check alone. A conflict, then, means another process: reload and decide again; after
 *   `maxConflicts` lost races decide under the stream's lock, so that a busier process cannot starve this one.
 * - What is answered without appending (a refusal, a repeat, a failed precondition) has no such check: it is decided only on a state
 *   proven after the command arrived.
 * - Not done: predicting states and sending a row of appends at once. If the first of them lost to a stranger's single event, the
 *   second would find the version it expects, and be accepted although it was decided on a state that never was.
 */
export class StreamLane<State extends object, Command, Event extends AnyDomainEvent> {
  private readonly waiting: Job<State, Command>[] = [];
  private running = false;

  constructor(
    private readonly options: LaneOptions<State, Command, Event>,
    private readonly onIdle: () => void,
  ) {}

  execute(command: StreamCommand<State, Command>): Promise<CommandOutcome> {
    if (this.waiting.length >= this.options.maxWaiting) return Promise.reject(tooManyRequests(this.waiting.length));
    return new Promise((resolve, reject) => {
      this.waiting.push({ ...command, commandId: newId(), arrivedAt: performance.now(), resolve, reject });
      if (!this.running) void this.run();
    });
  }

  private async run(): Promise<void> {
    this.running = true;
    let head: Head<State> | undefined;
    for (let job = this.waiting.shift(); job !== undefined; job = this.waiting.shift()) {
      try {
        head = await this.carryOut(job, head);
      } catch (error) {
        job.reject(error);
        head = undefined;
      }
    }
    this.running = false;
    this.onIdle();
  }

  /** Settles the job and answers the head it left; undefined when that is not known. Throws what the job is to be rejected with. */
  private async carryOut(job: Job<State, Command>, known: Head<State> | undefined): Promise<Head<State> | undefined> {
    let head = known ?? this.remembered(job);
    for (let conflicts = 0; conflicts <= this.options.maxConflicts;) {
      head ??= await this.load(job.streamId);
      const attempt = await this.attempt(job, head, (request) => this.options.groupCommit.append(request));
      if (typeof attempt === 'object') return attempt.head;
      if (attempt === 'conflict') conflicts += 1;
      head = undefined;
    }
    return await this.carryOutLocked(job);
  }

  private async carryOutLocked(job: Job<State, Command>): Promise<Head<State> | undefined> {
    return await this.options.lock.hold(job.streamId, async ({ client, commit }) => {
      const provenAt = performance.now();
      const loaded = (await this.options.loader.loadMany([job.streamId], client)).get(job.streamId);
      const attempt = loaded && (await this.attempt(job, { ...loaded, provenAt }, commit));
      if (typeof attempt === 'object') return attempt.head;
      throw new Error(`${job.streamId} changed while it was locked`);
    });
  }

  /**
   * Decides on `head` and appends. Settled: the job is resolved, and `head` is where the stream stands now, if known. Stale: this head is
   * too old to answer on without appending. Conflict: nothing was appended.
   */
  private async attempt(
    job: Job<State, Command>,
    head: Head<State>,
    append: (request: AppendRequest) => Promise<AppendVerdict>,
  ): Promise<{ readonly head: Head<State> | undefined } | 'stale' | 'conflict'> {
    const proven = head.provenAt >= job.arrivedAt;
    const { ifMatch } = job.envelope;
    if (ifMatch !== undefined && !matches(ifMatch, head.version)) {
      return proven ? { head: await this.failPrecondition(job, head) } : 'stale';
    }
    const decided = this.decide(job, head.state);
    const refusal = decided instanceof DomainError ? decided : undefined;
    const events = decided instanceof DomainError ? [] : decided;
    if (events.length === 0 && !proven) return 'stale';

    const provenAt = events.length === 0 ? head.provenAt : performance.now();
    const state = events.reduce((before, event) => this.options.decider.evolve(before, event), head.state);
    const next = { state, version: head.version + events.length, provenAt };
    const answer = refusal === undefined ? this.acceptance(job, next) : refusedAnswer(problemOf(refusal), job.envelope.correlationId);
    const verdict = await append(this.request(job, answer, head.version, events));
    switch (verdict.outcome) {
      case 'appended':
        if (events.length > 0) this.options.loader.remember(job.streamId, next.version, next.state);
        job.resolve({ answer, replayed: false });
        return { head: next };
      case 'repeated':
        job.resolve({ answer: verdict.answer as CommandAnswer, replayed: true });
        return { head: undefined };
      case 'key-reused':
        throw idempotencyKeyReused();
      case 'conflict':
        return 'conflict';
    }
  }

  private remembered(job: Job<State, Command>): Head<State> | undefined {
    if (job.isNew) return { state: this.options.decider.initialState, version: 0, provenAt: Infinity };
    const cached = this.options.loader.cached(job.streamId);
    return cached && { ...cached, provenAt: -1 };
  }

  private async load(streamId: string): Promise<Head<State>> {
    const provenAt = performance.now();
    return { ...(await this.options.loader.load(streamId)), provenAt };
  }

  private decide(job: Job<State, Command>, state: State): Event[] | DomainError {
    try {
      return this.options.decider.decide(job.command, state);
    } catch (error) {
      if (error instanceof DomainError) return error;
      throw error;
    }
  }

  /** Not stored: nothing was decided, and the client may come back with the version it then knows. A repeat gets its first answer. */
  private async failPrecondition(job: Job<State, Command>, head: Head<State>): Promise<Head<State>> {
    const before = await this.options.store.findAnswer(job.envelope.idempotencyKey);
    if (before === undefined) throw preconditionFailed(head.version);
    if (before.fingerprint !== job.envelope.fingerprint) throw idempotencyKeyReused();
    job.resolve({ answer: before.answer as CommandAnswer, replayed: true });
    return head;
  }

  private acceptance(job: Job<State, Command>, { state, version }: { state: State; version: number }): CommandAnswer {
    const { commandId, streamId, envelope } = job;
    return acceptedAnswer(job.accepted(state), { commandId, streamId, version, correlationId: envelope.correlationId });
  }

  private request(job: Job<State, Command>, answer: CommandAnswer, expectedVersion: number, events: readonly Event[]): AppendRequest {
    const { commandId, streamId, occurredAt, envelope } = job;
    const { actor, correlationId, traceparent, idempotencyKey, fingerprint } = envelope;
    return {
      writes: events.length === 0 ? [] : [{ streamId, expectedVersion, events: events.map((event) => newEvent(event, occurredAt)) }],
      metadata: { actor, correlationId, causationId: commandId, commandId, traceparent },
      command: { id: commandId, name: job.command.type, idempotencyKey, fingerprint, answer },
    };
  }
}

const newEvent = ({ type, data }: AnyDomainEvent, occurredAt: string) => ({
  id: newId(),
  type,
  schemaVersion: SCHEMA_VERSIONS[type],
  data,
  occurredAt,
});
