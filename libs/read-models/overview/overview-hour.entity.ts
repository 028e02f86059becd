import { Column, Entity, PrimaryColumn } from 'typeorm';
import { moment, text, whole } from '../columns.js';
import type { OrderStatus } from '../orders/order.entity.js';

/** Orders placed in one hour of business time (UTC), by the status they have now. Rows whose orders all moved on stay at zero. */
@Entity({ schema: 'read', name: 'overview_hours' })
export class OverviewHourRow {
  @PrimaryColumn(moment('hour'))
  hour: Date;

  @PrimaryColumn(text('currency'))
  currency: string;

  @PrimaryColumn(text('status'))
  status: OrderStatus;

  @Column(whole('orders'))
  orders: number;

  @Column(whole('lines'))
  lines: number;

  @Column(whole('units'))
  units: number;

  /** Minor units: revenue where the status is `confirmed`. */
  @Column(whole('total'))
  total: number;
}
