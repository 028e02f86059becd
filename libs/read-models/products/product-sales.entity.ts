import { Column, Entity, PrimaryColumn } from 'typeorm';
import { text, whole } from '../columns.js';

/** Sales of a SKU in one currency, over orders confirmed and not cancelled since. A row exists from the first order on. */
@Entity({ schema: 'read', name: 'product_sales' })
export class ProductSalesRow {
  @PrimaryColumn(text('sku'))
  sku: string;

  @PrimaryColumn(text('currency'))
  currency: string;

  /** Orders holding the SKU, however many lines of it they have. */
  @Column(whole('orders'))
  orders: number;

  @Column(whole('units'))
  units: number;

  /** Minor units. */
  @Column(whole('revenue'))
  revenue: number;
}
