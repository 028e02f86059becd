import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import type { FulfilmentStep } from '#domain';
import { int, moment, text, whole } from '../columns.js';

/** `running` and `parked` are open; the others are how it ended (and a cancellation may reopen `confirmed`). */
export const FULFILMENT_STATUSES = ['running', 'parked', 'confirmed', 'rejected', 'cancelled'] as const;
export type FulfilmentStatus = (typeof FULFILMENT_STATUSES)[number];

/** What is known of the current step. */
export type FulfilmentStepState = 'dispatched' | 'completed' | 'refused' | 'unknown';

/** One fulfilment as it stands. */
@Entity({ schema: 'read', name: 'fulfilments' })
@Index('fulfilments_status_started', ['status', 'startedAt', 'orderId'])
export class FulfilmentRow {
  @PrimaryColumn(text('order_id'))
  orderId: string;

  @Column(text('status'))
  status: FulfilmentStatus;

  /** The step last dispatched or answered; null before the first. */
  @Column(text('step', { nullable: true }))
  step: FulfilmentStep | null;

  @Column(text('step_state', { nullable: true }))
  stepState: FulfilmentStepState | null;

  /** Attempts at the current step. */
  @Column(int('attempts'))
  attempts: number;

  /** Minor units. */
  @Column(whole('amount'))
  amount: number;

  @Column(text('currency'))
  currency: string;

  /** Different SKUs of the order. */
  @Column(int('items'))
  items: number;

  /** Code and detail of the last refusal, kept when it has ended. */
  @Column(text('refusal_code', { nullable: true }))
  refusalCode: string | null;

  @Column(text('refusal_detail', { nullable: true }))
  refusalDetail: string | null;

  /** Why and since when it is parked; null when it is not. */
  @Column(text('parked_code', { nullable: true }))
  parkedCode: string | null;

  @Column(text('parked_detail', { nullable: true }))
  parkedDetail: string | null;

  @Column(moment('parked_at', { nullable: true }))
  parkedAt: Date | null;

  /** What an operator found out of the step it was last parked at, and by what evidence; null when none ever did. */
  @Column(text('resolved_step', { nullable: true }))
  resolvedStep: FulfilmentStep | null;

  @Column(text('resolved_outcome', { nullable: true }))
  resolvedOutcome: 'done' | 'not-done' | null;

  @Column(text('resolved_evidence', { nullable: true }))
  resolvedEvidence: string | null;

  @Column(text('resolved_reference', { nullable: true }))
  resolvedReference: string | null;

  @Column(text('resolved_by', { nullable: true }))
  resolvedBy: string | null;

  @Column(moment('resolved_at', { nullable: true }))
  resolvedAt: Date | null;

  /** The reason given when cancellation was requested. */
  @Column(text('cancel_reason', { nullable: true }))
  cancelReason: string | null;

  @Column(moment('started_at'))
  startedAt: Date;

  /** When it last ended; null while it is open. */
  @Column(moment('ended_at', { nullable: true }))
  endedAt: Date | null;

  /** Recorded-at of the newest event. */
  @Column(moment('updated_at'))
  updatedAt: Date;

  /** Version of the fulfilment's stream that this row shows. */
  @Column(int('version'))
  version: number;
}
