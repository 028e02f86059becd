import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import type { StockShortage } from '#domain';
import { flag, int, moment, text, whole } from '../columns.js';

export const ORDER_STATUSES = ['placed', 'confirmed', 'rejected', 'cancelled'] as const;
export type OrderStatus = (typeof ORDER_STATUSES)[number];

/** One order as it stands. Names and e-mail addresses live in `customers` alone; payment tokens nowhere. */
@Entity({ schema: 'read', name: 'orders' })
@Index('orders_placed', ['placedAt', 'orderId'])
@Index('orders_status_placed', ['status', 'placedAt', 'orderId'])
@Index('orders_customer_placed', ['customerId', 'placedAt', 'orderId'])
export class OrderRow {
  @PrimaryColumn(text('order_id'))
  orderId: string;

  @Column(text('reference', { nullable: true }))
  reference: string | null;

  @Column(text('status'))
  status: OrderStatus;

  @Column(text('customer_id'))
  customerId: string;

  @Column(flag('guest'))
  guest: boolean;

  @Column(text('country', { nullable: true }))
  country: string | null;

  @Column(text('currency'))
  currency: string;

  /** Minor units. */
  @Column(whole('total'))
  total: number;

  @Column(int('line_count'))
  lineCount: number;

  /** Pieces over all lines. */
  @Column(whole('units'))
  units: number;

  /** Business time, as the client gave it. */
  @Column(moment('placed_at'))
  placedAt: Date;

  /** Server time of the append, here and in the other `…RecordedAt`. */
  @Column(moment('placed_recorded_at'))
  placedRecordedAt: Date;

  @Column(moment('confirmed_at', { nullable: true }))
  confirmedAt: Date | null;

  @Column(moment('confirmed_recorded_at', { nullable: true }))
  confirmedRecordedAt: Date | null;

  @Column(moment('rejected_at', { nullable: true }))
  rejectedAt: Date | null;

  @Column(moment('rejected_recorded_at', { nullable: true }))
  rejectedRecordedAt: Date | null;

  @Column(moment('cancelled_at', { nullable: true }))
  cancelledAt: Date | null;

  @Column(moment('cancelled_recorded_at', { nullable: true }))
  cancelledRecordedAt: Date | null;

  @Column(text('refusal_code', { nullable: true }))
  refusalCode: string | null;

  @Column(text('refusal_detail', { nullable: true }))
  refusalDetail: string | null;

  @Column({ name: 'shortages', type: 'jsonb', nullable: true })
  shortages: StockShortage[] | null;

  @Column(text('cancel_reason', { nullable: true }))
  cancelReason: string | null;

  @Column(text('cancelled_from', { nullable: true }))
  cancelledFrom: 'placed' | 'confirmed' | null;

  /** Version of the order's stream that this row shows. */
  @Column(int('version'))
  version: number;
}
