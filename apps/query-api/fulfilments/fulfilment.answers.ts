import { z } from 'zod';
import { FULFILMENT_STATUSES, type FulfilmentRow } from '#read-models';

const instant = z.iso.datetime();

export const Fulfilment = z.object({
  orderId: z.string(),
  status: z.enum(FULFILMENT_STATUSES),
  step: z.string().nullable().describe('The step last dispatched or answered.'),
  stepState: z.enum(['dispatched', 'completed', 'refused', 'unknown']).nullable().describe('What is known of it.'),
  attempts: z.int(),
  amount: z.int().describe('Minor units.'),
  currency: z.string(),
  items: z.int().describe('Different SKUs of the order.'),
  refusal: z.object({ code: z.string(), detail: z.string().nullable() }).nullable(),
  parked: z
    .object({ code: z.string(), detail: z.string().nullable(), since: instant })
    .nullable()
    .describe('Why it cannot go on by itself.'),
  resolution: z
    .object({
      step: z.string(),
      outcome: z.enum(['done', 'not-done']),
      evidence: z.string(),
      reference: z.string(),
      by: z.string(),
      at: instant,
    })
    .nullable()
    .describe('What an operator found out of a step the fulfilment was parked at.'),
  cancelReason: z.string().nullable(),
  startedAt: instant,
  endedAt: instant.nullable(),
  updatedAt: instant,
  version: z.int(),
});
export type Fulfilment = z.infer<typeof Fulfilment>;

export const fulfilment = (row: FulfilmentRow): Fulfilment => ({
  orderId: row.orderId,
  status: row.status,
  step: row.step,
  stepState: row.stepState,
  attempts: row.attempts,
  amount: row.amount,
  currency: row.currency,
  items: row.items,
  refusal: row.refusalCode === null ? null : { code: row.refusalCode, detail: row.refusalDetail },
  parked:
    row.parkedCode === null || row.parkedAt === null
      ? null
      : { code: row.parkedCode, detail: row.parkedDetail, since: row.parkedAt.toISOString() },
  resolution: resolutionOf(row),
  cancelReason: row.cancelReason,
  startedAt: row.startedAt.toISOString(),
  endedAt: row.endedAt?.toISOString() ?? null,
  updatedAt: row.updatedAt.toISOString(),
  version: row.version,
});

function resolutionOf(row: FulfilmentRow): Fulfilment['resolution'] {
  const { resolvedStep: step, resolvedOutcome: outcome, resolvedAt: at } = row;
  if (step === null || outcome === null || at === null) return null;
  const [evidence, reference, by] = [row.resolvedEvidence ?? '', row.resolvedReference ?? '', row.resolvedBy ?? ''];
  return { step, outcome, evidence, reference, by, at: at.toISOString() };
}
