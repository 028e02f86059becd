import { Query } from '@nestjs/cqrs';
import type { Source } from './projections.js';

/** A question that is answered over HTTP. Handlers give it out; {@link ReadAnswers} has it answered. */
export abstract class Read<Answer> extends Query<Answer> {
  /** What the answer is made of: what a consistency token is waited for, and whose freshness the answer tells. */
  abstract readonly sources: readonly Source[];
}
