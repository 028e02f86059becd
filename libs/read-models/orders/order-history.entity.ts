import { Column, Entity, PrimaryColumn } from 'typeorm';
import { int, moment, text } from '../columns.js';
import type { OrderStatus } from './order.entity.js';

/** One status an order took, when and by whom. */
@Entity({ schema: 'read', name: 'order_history' })
export class OrderHistoryRow {
  @PrimaryColumn(text('order_id'))
  orderId: string;

  /** Version of the order's stream. */
  @PrimaryColumn(int('version'))
  version: number;

  @Column(text('status'))
  status: OrderStatus;

  /** Why, where there is something to say: the refusal or the customer's reason to cancel. */
  @Column(text('detail', { nullable: true }))
  detail: string | null;

  @Column(text('actor'))
  actor: string;

  @Column({ name: 'event_id', type: 'uuid' })
  eventId: string;

  @Column(moment('occurred_at'))
  occurredAt: Date;

  @Column(moment('recorded_at'))
  recordedAt: Date;
}
