import type { FulfilmentStep } from './fulfilment.events.js';

/**
 * compensable: can be taken back by its undo. pivot: once done the saga goes forward only. retriable: cannot be refused, only
 * repeated until it is done.
 */
export type SagaStep<Step extends string> =
  | { readonly step: Step; readonly kind: 'compensable'; readonly undo: Step }
  | { readonly step: Step; readonly kind: 'pivot' }
  | { readonly step: Step; readonly kind: 'retriable' };

/** Refuses a definition that could get stuck half way: it must have one pivot, nothing to undo after it, nothing retriable before. */
export function defineSaga<Step extends string>(steps: readonly SagaStep<Step>[]): readonly SagaStep<Step>[] {
  const pivots = steps.filter((step) => step.kind === 'pivot');
  if (pivots.length !== 1) {
    throw new Error(`A saga has exactly one pivot; this one has ${pivots.length}.`);
  }
  const pivotAt = steps.findIndex((step) => step.kind === 'pivot');
  const late = steps.slice(pivotAt + 1).find((step) => step.kind === 'compensable');
  if (late !== undefined) {
    throw new Error(`Step "${late.step}" is compensable but comes after the pivot: nothing may need undoing there.`);
  }
  const early = steps.slice(0, pivotAt).find((step) => step.kind === 'retriable');
  if (early !== undefined) {
    throw new Error(`Step "${early.step}" is retriable but comes before the pivot: if the pivot is refused it cannot be undone.`);
  }
  return steps;
}

export const FULFILMENT_SAGA = defineSaga<FulfilmentStep>([
  { step: 'reserve', kind: 'compensable', undo: 'release' },
  { step: 'authorize', kind: 'compensable', undo: 'void' },
  { step: 'capture', kind: 'pivot' },
  { step: 'confirm', kind: 'retriable' },
]);
