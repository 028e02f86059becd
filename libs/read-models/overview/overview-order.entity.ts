import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { flag, int, moment, text, whole } from '../columns.js';
import type { OrderStatus } from '../orders/order.entity.js';

/** One narrow row an order: what the overview remembers to move an order between statuses, and what exact totals are asked of. */
@Entity({ schema: 'read', name: 'overview_orders' })
@Index('overview_orders_placed', ['placedAt'])
export class OverviewOrderRow {
  @PrimaryColumn(text('order_id'))
  orderId: string;

  @Column(text('status'))
  status: OrderStatus;

  @Column(text('currency'))
  currency: string;

  @Column(text('customer_id'))
  customerId: string;

  @Column(flag('guest'))
  guest: boolean;

  /** Business time. */
  @Column(moment('placed_at'))
  placedAt: Date;

  @Column(moment('placed_recorded_at'))
  placedRecordedAt: Date;

  @Column(int('lines'))
  lines: number;

  @Column(whole('units'))
  units: number;

  /** Minor units. */
  @Column(whole('total'))
  total: number;

  /** Recorded placed to recorded confirmed, milliseconds; stays when the order is cancelled later. */
  @Column(whole('confirmation_ms', { nullable: true }))
  confirmationMs: number | null;
}
