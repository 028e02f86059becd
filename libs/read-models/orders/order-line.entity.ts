import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { int, text, whole } from '../columns.js';

/** A line as ordered; an order may hold a SKU several times. */
@Entity({ schema: 'read', name: 'order_lines' })
@Index('order_lines_sku', ['sku', 'orderId'])
export class OrderLineRow {
  @PrimaryColumn(text('order_id'))
  orderId: string;

  @PrimaryColumn(int('line_no'))
  lineNo: number;

  @Column(text('sku'))
  sku: string;

  @Column(text('description', { nullable: true }))
  description: string | null;

  /** Pieces. */
  @Column(whole('quantity'))
  quantity: number;

  /** Minor units a piece. */
  @Column(whole('unit_price'))
  unitPrice: number;
}
