import { Column, Entity, PrimaryColumn } from 'typeorm';
import { text, whole } from '../columns.js';

/** What a customer spent in one currency: their orders confirmed and not cancelled since. A row exists from the first order on. */
@Entity({ schema: 'read', name: 'customer_spend' })
export class CustomerSpendRow {
  @PrimaryColumn(text('customer_id'))
  customerId: string;

  @PrimaryColumn(text('currency'))
  currency: string;

  @Column(whole('confirmed_orders'))
  confirmedOrders: number;

  /** Minor units. */
  @Column(whole('spend'))
  spend: number;
}
