import {
  actedAnswer,
  dryRunAnswer,
  platformProblem,
  type ActedByFilterDto,
  type ActEffect,
  type Matching,
  type NewAct,
  type OperatorActs,
} from '#platform';

import type { BatchConsumerStrategy } from '../batch-consumer.strategy.js';
import { NotHeldError } from '../consumer-dead-letters.js';
import type { LetterFilter } from '../dead-letter-queries.js';
import { placeOf, type DeadLetterRecord } from '../dead-letter-rows.js';
import { PoisonEventError, PoisonMessageError } from '../poison.js';
import { GapError } from '../gap-error.js';

export interface Decision {
  readonly actor: string;
  readonly reason: string;
}

export interface DecideAll {
  readonly filter: LetterFilter;
  readonly decision: Decision;
  /** Only count and show them. */
  readonly dryRun: boolean;
  readonly limit: number;
}

type Consumer = Pick<BatchConsumerStrategy, 'deadLetters' | 'release' | 'releaseAlone'>;

/** Releasing runs the handlers: a call ends after so long, milliseconds, and says where to go on. */
const PATIENCE_MS = 10_000;

/** Releases at once. Each keeps a connection while the handlers need others: more would leave none for the consumer itself. */
const RELEASES_AT_ONCE = 2;

/**
 * What operators do about the dead letters of a consumer group. Each act is recorded in the transaction that carries it out, and so is
 * each refusal. A stream is released as a whole and in order: its letters wait for each other.
 */
export class ConsumerOperator {
  private releasing = 0;

  constructor(
    private readonly consumer: Consumer,
    private readonly acts: OperatorActs,
  ) {}

  /** Answers how many events were delivered. Throws what is still against one of them, NotHeldError, or `overloaded`. */
  releaseStream(streamId: string, decision: Decision): Promise<number> {
    return this.inPlace(() => this.releaseWhole(streamId, decision));
  }

  private async releaseWhole(streamId: string, decision: Decision): Promise<number> {
    const act = actOf('consumer.release', decision, { subject: streamId });
    try {
      return await this.consumer.release(streamId, {
        ...resolutionOf(decision),
        inTransaction: async (client, delivered) => void (await this.acts.record(act, [released(streamId, delivered)], client)),
      });
    } catch (error) {
      if (isRefusal(error)) await this.acts.refused(act, refusalOf(streamId, error));
      throw error;
    }
  }

  /** The letter, and with it all of its stream; alone when it belongs to none. Answers how many events were delivered. */
  releaseLetter(id: number, decision: Decision): Promise<number> {
    return this.inPlace(() => this.releaseWithItsStream(id, decision));
  }

  private async releaseWithItsStream(id: number, decision: Decision): Promise<number> {
    const record = (await this.consumer.deadLetters.inspect(id))?.record;
    if (record === undefined || record.state !== 'held') throw new NotHeldError(`letter ${id}`);
    if (record.streamId !== null) return this.releaseWhole(record.streamId, decision);
    const subject = placeOf(record);
    const act = actOf('consumer.release', decision, { subject });
    try {
      await this.consumer.releaseAlone(id, {
        ...resolutionOf(decision),
        inTransaction: async (client) => void (await this.acts.record(act, [released(subject, 1)], client)),
      });
      return 1;
    } catch (error) {
      if (isRefusal(error)) await this.acts.refused(act, refusalOf(subject, error));
      throw error;
    }
  }

  /** {@link releaseStream} of all parked streams that match, in order of their ids. */
  async releaseStreams({ filter, decision, dryRun, limit }: DecideAll, after: string): Promise<ActedByFilterDto> {
    const found = await this.consumer.deadLetters.matchingStreams(filter, after, limit);
    if (dryRun) return dryRunAnswer(found);
    const targets = found.subjects.map((streamId) => ({ cursor: streamId, streamId, id: 0, subject: streamId }));
    return await this.releaseAll(found, targets, { ...filter, after, limit }, decision);
  }

  /** {@link releaseLetter} of all that match: each of their streams as a whole. */
  async releaseLetters({ filter, decision, dryRun, limit }: DecideAll, afterId: number): Promise<ActedByFilterDto> {
    const found = await this.consumer.deadLetters.matchingLetters(filter, afterId, limit);
    if (dryRun) return dryRunAnswer(found);
    const targets = found.letters.map((record) => ({
      cursor: String(record.id),
      streamId: record.streamId,
      id: record.id,
      subject: record.streamId ?? placeOf(record),
    }));
    return await this.releaseAll(found, targets, { ...filter, afterId, limit }, decision);
  }

  /** Never to be delivered. Throws NotHeldError. */
  async discardLetter(id: number, decision: Decision): Promise<void> {
    const record = (await this.consumer.deadLetters.inspect(id))?.record;
    if (record === undefined) throw new NotHeldError(`letter ${id}`);
    const act = actOf('consumer.discard', decision, { subject: placeOf(record) });
    await this.consumer.deadLetters.discard(id, {
      ...resolutionOf(decision),
      inTransaction: async (client) => void (await this.acts.record(act, [discarded(record)], client)),
    });
  }

  /** {@link discardLetter} of all that match, in one transaction. */
  async discardLetters({ filter, decision, dryRun, limit }: DecideAll, afterId: number): Promise<ActedByFilterDto> {
    const { deadLetters } = this.consumer;
    const found = await deadLetters.matchingLetters(filter, afterId, limit);
    if (dryRun) return dryRunAnswer(found);
    const actId = await this.acts.begin({
      ...actOf('consumer.discard', decision, { filter: { ...filter, afterId, limit } }),
      matched: found.matched,
    });
    let effects: ActEffect[] = [];
    await deadLetters.discardAll(
      found.letters.map(({ id }) => id),
      {
        ...resolutionOf(decision),
        inTransaction: async (client, _count, ids) => {
          // Somebody may have decided about one of them since they were found.
          effects = found.letters.filter(({ id }) => ids.includes(id)).map(discarded);
          await this.acts.add(actId, effects, client);
        },
      },
    );
    return actedAnswer(actId, found, effects);
  }

  private releaseAll(found: Matching, targets: readonly Target[], filter: object, decision: Decision): Promise<ActedByFilterDto> {
    const act = { ...actOf('consumer.release', decision, { filter }), matched: found.matched };
    return this.inPlace(async () => await this.releaseEach(await this.acts.begin(act), found, targets, decision));
  }

  private async inPlace<T>(release: () => Promise<T>): Promise<T> {
    if (this.releasing >= RELEASES_AT_ONCE)
      throw platformProblem('overloaded', 'Other releases are under way; try again when they have ended.', {}, { 'Retry-After': '1' });
    this.releasing += 1;
    try {
      return await release();
    } finally {
      this.releasing -= 1;
    }
  }

  private async releaseEach(actId: string, found: Matching, targets: readonly Target[], decision: Decision): Promise<ActedByFilterDto> {
    const until = performance.now() + PATIENCE_MS;
    const effects: ActEffect[] = [];
    const seen = new Set<string>();
    let reached = 0;
    for (const target of targets) {
      if (reached > 0 && performance.now() > until) break;
      reached += 1;
      if (seen.has(target.subject)) continue;
      seen.add(target.subject);
      const effect = await this.releaseOne(actId, target, decision);
      if (effect !== undefined) effects.push(effect);
    }
    const part = {
      matched: found.matched,
      subjects: targets.slice(0, reached).map(({ subject }) => subject),
      last: targets[reached - 1]?.cursor ?? null,
    };
    return actedAnswer(actId, part, effects);
  }

  /** undefined when somebody else was faster. */
  private async releaseOne(actId: string, { streamId, id, subject }: Target, decision: Decision): Promise<ActEffect | undefined> {
    let effect: ActEffect | undefined;
    const resolution = {
      ...resolutionOf(decision),
      inTransaction: async (client: Parameters<OperatorActs['add']>[2], delivered: number): Promise<void> => {
        effect = released(subject, delivered);
        await this.acts.add(actId, [effect], client);
      },
    };
    try {
      if (streamId === null) await this.consumer.releaseAlone(id, resolution);
      else await this.consumer.release(streamId, resolution);
    } catch (error) {
      if (error instanceof NotHeldError) return undefined;
      if (!isRefusal(error)) throw error;
      effect = { ...refusalOf(subject, error), outcome: 'refused' };
      await this.acts.add(actId, [effect]);
    }
    return effect;
  }
}

interface Target {
  readonly cursor: string;
  readonly streamId: string | null;
  readonly id: number;
  readonly subject: string;
}

const actOf = (act: string, { actor, reason }: Decision, target: NewAct['target']): NewAct => ({ act, actor, reason, target, matched: 1 });

const resolutionOf = ({ actor, reason }: Decision): { by: string; note: string } => ({ by: actor, note: reason });

const released = (subject: string, delivered: number): ActEffect => ({ subject, outcome: 'done', detail: `${delivered} delivered` });

const discarded = (record: DeadLetterRecord): ActEffect => ({
  subject: placeOf(record),
  outcome: 'done',
  detail: `${record.code}, of ${record.streamId ?? 'no stream'}`,
});

type Refusal = PoisonEventError | PoisonMessageError | GapError;

/** The events themselves are the reason: trying again as they are is of no use. */
export const isRefusal = (error: unknown): error is Refusal =>
  error instanceof PoisonEventError || error instanceof PoisonMessageError || error instanceof GapError;

const refusalOf = (subject: string, error: Refusal): Omit<ActEffect, 'outcome'> => ({
  subject,
  code: error instanceof GapError ? 'gap' : error.code,
  detail: error.message,
});
