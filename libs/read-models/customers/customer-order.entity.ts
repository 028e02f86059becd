import { Column, Entity, PrimaryColumn } from 'typeorm';
import { text, whole } from '../columns.js';
import type { OrderStatus } from '../orders/order.entity.js';

/** What the customers projection must remember of an order to count its later events. Private to that projection. */
@Entity({ schema: 'read', name: 'customer_orders' })
export class CustomerOrderRow {
  @PrimaryColumn(text('order_id'))
  orderId: string;

  @Column(text('customer_id'))
  customerId: string;

  @Column(text('currency'))
  currency: string;

  @Column(whole('total'))
  total: number;

  @Column(text('status'))
  status: OrderStatus;
}
