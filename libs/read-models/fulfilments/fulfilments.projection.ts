import type { FulfilmentEvent } from '#domain';
import { change } from '../projection/change-set.js';
import type { Projected } from '../projection/projected-event.js';
import { defineProjection, known } from '../projection/projection.js';
import { tableOf, type Written } from '../projection/table.js';
import { FulfilmentRow } from './fulfilment.entity.js';

export const fulfilmentsTable = tableOf(FulfilmentRow);

type Fulfilment = Written<FulfilmentRow>;

/** Fulfilments as they stand: in progress, parked, or how they ended. */
export const fulfilmentsProjection = defineProjection<'fulfilments', FulfilmentEvent, Fulfilment>({
  name: 'fulfilments',
  category: 'fulfilment',
  tables: [fulfilmentsTable],
  state: fulfilmentsTable,
  project(event, state) {
    const before = event.type === 'FulfilmentStarted' ? started(event) : known(state, event);
    return [change(fulfilmentsTable, { ...before, ...next(event, before), updatedAt: event.recordedAt, version: event.version })];
  },
});

const NOT_PARKED = { parkedCode: null, parkedDetail: null, parkedAt: null };

const started = (event: Extract<Projected<FulfilmentEvent>, { type: 'FulfilmentStarted' }>): Fulfilment => ({
  orderId: event.data.orderId,
  status: 'running',
  step: null,
  stepState: null,
  attempts: 0,
  amount: event.data.amount,
  currency: event.data.currency,
  items: event.data.items.length,
  refusalCode: null,
  refusalDetail: null,
  ...NOT_PARKED,
  resolvedStep: null,
  resolvedOutcome: null,
  resolvedEvidence: null,
  resolvedReference: null,
  resolvedBy: null,
  resolvedAt: null,
  cancelReason: null,
  startedAt: event.occurredAt,
  endedAt: null,
  updatedAt: event.recordedAt,
  version: event.version,
});

function next(event: Projected<FulfilmentEvent>, before: Fulfilment): Partial<Fulfilment> {
  switch (event.type) {
    case 'FulfilmentStarted':
      return {};
    case 'FulfilmentStepDispatched':
      return { step: event.data.step, stepState: 'dispatched', attempts: event.data.attempt };
    case 'FulfilmentStepCompleted':
      return { step: event.data.step, stepState: 'completed' };
    case 'FulfilmentStepRefused':
      return { step: event.data.step, stepState: 'refused', refusalCode: event.data.code, refusalDetail: event.data.detail };
    case 'FulfilmentStepOutcomeUnknown':
      return { step: event.data.step, stepState: 'unknown', attempts: event.data.attempt };
    case 'FulfilmentCancellationRequested':
      // opens a confirmed fulfilment again; one that is parked stays so until an operator decides
      return { cancelReason: event.data.reason, endedAt: null, status: before.status === 'parked' ? 'parked' : 'running' };
    case 'FulfilmentParked':
      return {
        status: 'parked',
        step: event.data.step,
        parkedCode: event.data.code,
        parkedDetail: event.data.detail,
        parkedAt: event.occurredAt,
      };
    case 'FulfilmentResumed':
      return { status: 'running', ...NOT_PARKED };
    case 'FulfilmentResolved':
      return {
        status: 'running',
        ...NOT_PARKED,
        resolvedStep: event.data.step,
        resolvedOutcome: event.data.outcome,
        resolvedEvidence: event.data.evidence,
        resolvedReference: event.data.reference,
        resolvedBy: event.actor,
        resolvedAt: event.occurredAt,
      };
    case 'FulfilmentCompleted':
      return { status: event.data.outcome, endedAt: event.occurredAt, ...NOT_PARKED };
  }
}
