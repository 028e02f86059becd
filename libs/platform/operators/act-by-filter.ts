import { platformProblem } from '../problem.js';
import type { ActEffect } from './operator-acts.js';
import type { ActedByFilterDto } from './operators.dto.js';

/** Enough to see what is meant; the rest is in the record of the act. */
const SHOWN = 20;

export const DEFAULT_LIMIT = 100;

/** What one call found: all that match behind the cursor, and the part of it that this call is about. */
export interface Matching {
  readonly matched: number;
  readonly subjects: readonly string[];
  /** Cursor behind the last of them; null when there is none. */
  readonly last: string | null;
}

/** The answer to a call that did nothing. */
export function dryRunAnswer({ matched, subjects, last }: Matching): ActedByFilterDto {
  const remaining = matched - subjects.length;
  return {
    actId: null,
    dryRun: true,
    matched,
    done: 0,
    refused: 0,
    refusals: [],
    remaining,
    next: remaining > 0 ? last : null,
    subjects: subjects.slice(0, SHOWN),
  };
}

/** The answer to a call that did something; `effects` are of the subjects up to `last`. */
export function actedAnswer(actId: string, { matched, subjects, last }: Matching, effects: readonly ActEffect[]): ActedByFilterDto {
  const refused = effects.filter(({ outcome }) => outcome === 'refused');
  const remaining = matched - subjects.length;
  return {
    actId,
    dryRun: false,
    matched,
    done: effects.length - refused.length,
    refused: refused.length,
    refusals: refused.slice(0, SHOWN).map(({ subject, code, detail }) => ({ subject, code: code ?? 'refused', detail: detail ?? '' })),
    remaining,
    next: remaining > 0 ? last : null,
    subjects: subjects.slice(0, SHOWN),
  };
}

/** Everything at once must be asked for by a criterion that says so: an empty filter is more likely a slip. */
export function requireCriterion(filter: object): void {
  if (Object.values(filter).every((value) => value === undefined)) {
    const message = 'filter must have at least one criterion';
    throw platformProblem('validation-failed', message, { errors: [{ path: 'filter', message }] });
  }
}

/** The cursor of a list ordered by a number. */
export function numberedCursor(after: string | undefined): number {
  if (after === undefined) return 0;
  if (/^\d{1,15}$/.test(after)) return Number(after);
  const message = 'after must be the `next` of an earlier answer';
  throw platformProblem('validation-failed', message, { errors: [{ path: 'after', message }] });
}
