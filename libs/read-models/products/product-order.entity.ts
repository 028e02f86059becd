import { Column, Entity, PrimaryColumn } from 'typeorm';
import { text } from '../columns.js';
import type { OrderStatus } from '../orders/order.entity.js';

/** What the products projection must remember of an order to count its later events. Private to that projection. */
@Entity({ schema: 'read', name: 'product_orders' })
export class ProductOrderRow {
  @PrimaryColumn(text('order_id'))
  orderId: string;

  @Column(text('currency'))
  currency: string;

  @Column(text('status'))
  status: OrderStatus;

  /** Per SKU of the order: [sku, units, revenue in minor units]. */
  @Column({ name: 'items', type: 'jsonb' })
  items: [sku: string, units: number, revenue: number][];
}
