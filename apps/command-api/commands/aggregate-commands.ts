import type { AnyDomainEvent } from '#domain';
import type { LoadedStream } from '#event-store';
import { failpoints } from '#failpoints';
import { commandRunning, tooManyWaiting } from '../problems.js';
import type { CommandOutcome } from './command-answer.js';
import { StreamLane, type LaneOptions, type StreamCommand } from './stream-lane.js';

/** Keys of the commands this process is carrying out. One for all aggregates: a key names one command. */
export type RunningKeys = Set<string>;

export interface AggregateCommandsOptions<State extends object, Command, Event extends AnyDomainEvent> extends LaneOptions<
  State,
  Command,
  Event
> {
  readonly running: RunningKeys;
  /** Commands taken and not yet answered, of all aggregates together: what a stalled database may cost in memory. */
  readonly maxRunning: number;
}

/**
 * The commands of one kind of aggregate: at most one effect a key, one lane a stream. A lane lives as long as it has work.
 * A key that is still being carried out here is refused with 409 instead of waiting, whatever the payload: whose key it is, only the
 * database can say. Carried out by another process, the database makes the second wait and then gives it the first one's answer.
 */
export class AggregateCommands<State extends object, Command, Event extends AnyDomainEvent> {
  private readonly lanes = new Map<string, StreamLane<State, Command, Event>>();

  constructor(private readonly options: AggregateCommandsOptions<State, Command, Event>) {}

  /** Throws a ProblemError: command-running, idempotency-key-reused, precondition-failed, concurrent-change, too-many-requests, overloaded. */
  async execute(command: StreamCommand<State, Command>): Promise<CommandOutcome> {
    const { maxRunning, running } = this.options;
    const { idempotencyKey } = command.envelope;
    if (running.has(idempotencyKey)) throw commandRunning();
    if (running.size >= maxRunning) throw tooManyWaiting();
    running.add(idempotencyKey);
    try {
      const outcome = await this.lane(command.streamId).execute(command);
      if (failpoints.armed) await failpoints.reach('command-api.before-response');
      return outcome;
    } finally {
      running.delete(idempotencyKey);
    }
  }

  /** The write side's own state, as fresh as the database. */
  load(streamId: string): Promise<LoadedStream<State>> {
    return this.options.loader.load(streamId);
  }

  private lane(streamId: string): StreamLane<State, Command, Event> {
    let lane = this.lanes.get(streamId);
    if (lane === undefined) {
      lane = new StreamLane(this.options, () => this.lanes.delete(streamId));
      this.lanes.set(streamId, lane);
    }
    return lane;
  }
}
