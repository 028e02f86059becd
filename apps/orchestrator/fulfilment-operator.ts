import { createHash } from 'node:crypto';
import { DomainError, streamId, type FulfilmentInput } from '#domain';
import type { AppendVerdict, CommandRecord, StoredAnswer } from '#event-store';
import {
  actedAnswer,
  DoneBeforeError,
  dryRunAnswer,
  platformProblem,
  type ActedByFilterDto,
  type ActEffect,
  type Matching,
  type NewAct,
  type OperatorActs,
} from '#platform';
import { v7 as uuid } from 'uuid';
import type { Admission } from './admission.js';
import type { FulfilmentRunner } from './fulfilment-runner.js';
import type { FulfilmentWork, ParkedFilter } from './fulfilment-work.js';

export type OperatorInput = Extract<FulfilmentInput, { type: 'ResumeFulfilment' | 'ResolveFulfilment' }>;

/** Finds what a repeated command was answered, so that nobody here depends on more of the event store. */
export abstract class AnswerFinder {
  abstract findAnswer(idempotencyKey: string): Promise<{ fingerprint: string; answer: StoredAnswer } | undefined>;
}

/** Who decides, why, and under which correlation id its events go. */
export interface Decision {
  readonly actor: string;
  readonly reason: string;
  readonly correlationId: string;
}

export interface DecideAll {
  readonly filter: ParkedFilter;
  readonly decision: Decision;
  /** Only count and show them. */
  readonly dryRun: boolean;
  readonly limit: number;
  readonly after: string;
}

interface Decided {
  readonly answer: StoredAnswer;
  readonly replayed: boolean;
}

interface OperatorOptions {
  readonly runner: Pick<FulfilmentRunner, 'submit'>;
  readonly admission: Pick<Admission, 'take' | 'leave'>;
  readonly work: Pick<FulfilmentWork, 'matchingParked'>;
  readonly answers: AnswerFinder;
  readonly acts: OperatorActs;
}

/**
 * What an operator decides about parked fulfilments. The saga itself judges it, and its events are the decision; the act is recorded in
 * the same transaction, with what came of it.
 */
export class FulfilmentOperator {
  constructor(private readonly options: OperatorOptions) {}

  /**
   * One fulfilment, as a command of its own: the same key gets the same answer. `answerOf` makes the answer to the first from its id.
   * Throws the DomainError of the saga, and records a refused act as such; or `overloaded` when there is no room at the gateway.
   */
  async decide(
    orderId: string,
    input: OperatorInput,
    decision: Decision,
    idempotencyKey: string,
    answerOf: (commandId: string) => StoredAnswer,
  ): Promise<Decided | 'key-reused'> {
    const { runner, acts, admission } = this.options;
    const { actor, reason, correlationId } = decision;
    const fingerprint = fingerprintOf(orderId, input);
    const earlier = await this.earlier(idempotencyKey, fingerprint);
    if (earlier !== undefined) return earlier;

    const commandId = uuid();
    const answer = answerOf(commandId);
    const command: CommandRecord = { id: commandId, name: nameOf(input), idempotencyKey, fingerprint, answer };
    const subject = streamId('fulfilment', orderId);
    const act: NewAct = { act: actNameOf(input), actor, reason, target: { subject }, details: detailsOf(input), matched: 1 };
    let verdict: AppendVerdict;
    if (admission.take(1) < 1) throw noRoom();
    try {
      verdict = await runner.submit(orderId, input, {
        correlationId,
        causationId: commandId,
        actor,
        traceparent: null,
        command,
        inTransaction: async (client) => void (await acts.record(act, [{ subject, outcome: 'done' }], client)),
      });
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      // It may have been carried out, and that not have been heard: then the saga refuses the repeat.
      const done = await this.earlier(idempotencyKey, fingerprint);
      if (done !== undefined) return done;
      // About what never was there is nothing to be kept.
      if (error.code !== 'fulfilment.not-found') await acts.refused(act, { subject, code: error.code, detail: error.message });
      throw error;
    } finally {
      admission.leave();
    }
    if (verdict.outcome === 'key-reused') return 'key-reused';
    return verdict.outcome === 'repeated' ? { answer: verdict.answer, replayed: true } : { answer, replayed: false };
  }

  /**
   * All parked fulfilments that match, in order of their ids; each is decided for itself. No more at once than there is room for at the
   * gateway. Who repeats a call whose answer got lost decides only about what is (still, or again) parked: give `to`.
   */
  async decideAll(input: OperatorInput, { filter, decision, dryRun, limit, after }: DecideAll): Promise<ActedByFilterDto> {
    const { work, admission } = this.options;
    if (dryRun) return dryRunAnswer(await work.matchingParked(filter, after, limit));
    const places = admission.take(limit);
    if (places < 1) throw noRoom();
    try {
      return await this.decideFound(input, decision, { ...filter, after, limit }, await work.matchingParked(filter, after, places));
    } finally {
      admission.leave(places);
    }
  }

  private async decideFound(input: OperatorInput, decision: Decision, filter: object, found: Matching): Promise<ActedByFilterDto> {
    const { acts } = this.options;
    const { actor, reason } = decision;
    const actId = await acts.begin({
      act: actNameOf(input),
      actor,
      reason,
      target: { filter },
      details: detailsOf(input),
      matched: found.matched,
    });
    const settled = await Promise.allSettled(found.subjects.map((orderId) => this.decideOne(orderId, input, decision, actId)));
    const failed = settled.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    const effects = settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    return actedAnswer(actId, found, effects);
  }

  /** What the key was answered before, if it was. */
  private async earlier(idempotencyKey: string, fingerprint: string): Promise<Decided | 'key-reused' | undefined> {
    const told = await this.options.answers.findAnswer(idempotencyKey);
    if (told === undefined) return undefined;
    return told.fingerprint === fingerprint ? { answer: told.answer, replayed: true } : 'key-reused';
  }

  /**
   * Its events name the act as their cause. What the act has done before is done, and not done again: the runner repeats a transaction
   * whose commit went through unheard.
   */
  private async decideOne(orderId: string, input: OperatorInput, { actor, correlationId }: Decision, actId: string): Promise<ActEffect> {
    const { runner, acts } = this.options;
    const subject = streamId('fulfilment', orderId);
    const done: ActEffect = { subject, outcome: 'done' };
    try {
      await runner.submit(orderId, input, {
        correlationId,
        causationId: actId,
        actor,
        traceparent: null,
        inTransaction: (client) => acts.addDone(actId, subject, client),
      });
      return done;
    } catch (error) {
      if (error instanceof DoneBeforeError) return done;
      if (!(error instanceof DomainError)) throw error;
      if (await acts.isDone(actId, subject)) return done;
      const refused: ActEffect = { subject, outcome: 'refused', code: error.code, detail: error.message };
      await acts.add(actId, [refused]);
      return refused;
    }
  }
}

const noRoom = () => platformProblem('overloaded', 'The gateway has enough to do; try again in a moment.', {}, { 'Retry-After': '1' });

const fingerprintOf = (orderId: string, input: OperatorInput): string =>
  createHash('sha256')
    .update(
      JSON.stringify(
        input.type === 'ResumeFulfilment'
          ? ['POST', orderId, input.mode, input.reason]
          : ['POST', orderId, 'resolve', input.outcome, input.evidence, input.reference],
      ),
    )
    .digest('hex');

const nameOf = (input: OperatorInput): string => (input.type === 'ResumeFulfilment' ? `ResumeFulfilment:${input.mode}` : input.type);

const actNameOf = (input: OperatorInput): string => `fulfilment.${input.type === 'ResumeFulfilment' ? input.mode : 'resolve'}`;

function detailsOf(input: OperatorInput): object | undefined {
  if (input.type === 'ResumeFulfilment') return undefined;
  const { outcome, evidence, reference } = input;
  return { outcome, evidence, reference };
}
