import { Column, Entity, PrimaryColumn } from 'typeorm';
import { flag, moment, text, whole } from '../columns.js';

/** A customer as their orders show them; name, e-mail and country are those of their latest order by business time. */
@Entity({ schema: 'read', name: 'customers' })
export class CustomerRow {
  @PrimaryColumn(text('customer_id'))
  customerId: string;

  @Column(flag('guest'))
  guest: boolean;

  /** Personal data. */
  @Column(text('name', { nullable: true }))
  name: string | null;

  /** Personal data. */
  @Column(text('email', { nullable: true }))
  email: string | null;

  @Column(text('country', { nullable: true }))
  country: string | null;

  /** All orders ever placed. */
  @Column(whole('orders'))
  orders: number;

  /** Confirmed and not cancelled since. */
  @Column(whole('confirmed_orders'))
  confirmedOrders: number;

  @Column(whole('rejected_orders'))
  rejectedOrders: number;

  @Column(whole('cancelled_orders'))
  cancelledOrders: number;

  /** Business time. */
  @Column(moment('first_order_at'))
  firstOrderAt: Date;

  /** Business time. */
  @Column(moment('last_order_at'))
  lastOrderAt: Date;

  @Column(text('last_order_id'))
  lastOrderId: string;
}
