import type { InvariantId, InvariantResult, Violation } from './invariant-result.js';

const KEPT = 300;

/** What one check finds: counts all, keeps the first few hundred. */
export class Violations {
  broken = 0;
  readonly kept: Violation[] = [];

  add(what: string, ids: readonly string[], lookAt: string): void {
    this.broken += 1;
    if (this.kept.length < KEPT) this.kept.push({ what, ids, lookAt });
  }

  /** Takes over what another check found. */
  take(count: number, texts: readonly string[], lookAt: string): void {
    for (const what of texts) {
      if (this.kept.length >= KEPT) break;
      this.kept.push({ what, ids: [what.split(/[\s:]/, 1)[0]!], lookAt });
    }
    this.broken += count;
  }
}

/** What a check answers before it is timed and named. */
export interface Judgement {
  readonly checked: string;
  readonly counted: Readonly<Record<string, number>>;
  readonly violations: Violations;
}

export const number = (value: number): string => value.toLocaleString('en-GB');

/** Carries a check out. One that cannot be carried out has not passed. */
export async function judge(id: InvariantId, title: string, check: () => Judgement | Promise<Judgement>): Promise<InvariantResult> {
  const startedAt = Date.now();
  const judgement = await Promise.resolve().then(check).catch(notCarriedOut);
  const { checked, counted, violations } = judgement;
  const seconds = (Date.now() - startedAt) / 1000;
  return { id, title, ok: violations.broken === 0, checked, counted, broken: violations.broken, violations: violations.kept, seconds };
}

function notCarriedOut(error: unknown): Judgement {
  const violations = new Violations();
  violations.add(`the check itself failed: ${error instanceof Error ? error.message : String(error)}`, [], (error as Error).stack ?? '');
  return { checked: 'not checked', counted: {}, violations };
}
