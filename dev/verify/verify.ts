import type { Finding, Invariant } from './finding.js';

export interface CheckedInvariant {
  readonly id: Invariant['id'];
  readonly title: string;
  readonly ok: boolean;
  readonly checked: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly violations: number;
  /** The first thousand. */
  readonly offending: readonly string[];
  readonly seconds: number;
}

/** A check that cannot be carried out has not passed. */
function failed(error: unknown): Finding {
  const message = `the check itself failed: ${error instanceof Error ? error.message : String(error)}`;
  return { checked: 'not checked', counts: {}, violations: { count: 1, kept: [message], add: () => undefined } };
}

/** Checks one invariant after the other, also after one is found broken. */
export async function verify(
  invariants: readonly Invariant[],
  onChecked: (result: CheckedInvariant) => void,
  onStart: (invariant: Invariant) => void = () => undefined,
): Promise<CheckedInvariant[]> {
  const results: CheckedInvariant[] = [];
  for (const invariant of invariants) {
    const { id, title } = invariant;
    onStart(invariant);
    const startedAt = Date.now();
    const { checked, counts, violations } = await invariant.check().catch(failed);
    const result: CheckedInvariant = {
      id,
      title,
      ok: violations.count === 0,
      checked,
      counts,
      violations: violations.count,
      offending: violations.kept,
      seconds: (Date.now() - startedAt) / 1000,
    };
    results.push(result);
    onChecked(result);
  }
  return results;
}

const SHOWN = 20;

/** One line when it holds; when it does not, what breaks it beneath. */
export function describe({ id, title, ok, checked, violations, offending, seconds }: CheckedInvariant): string {
  const time = `${seconds.toFixed(1)} s`.padStart(7);
  if (ok) return `${id}  ok      ${time}  ${title}: ${checked}`;
  const more = violations - Math.min(SHOWN, offending.length);
  return [
    `${id}  BROKEN  ${time}  ${title}: ${violations} violations`,
    ...offending.slice(0, SHOWN).map((each) => `      ${each}`),
    ...(more > 0 ? [`      … and ${more} more (--json FILE lists up to a thousand)`] : []),
  ].join('\n');
}
