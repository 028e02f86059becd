import { Column, Entity, PrimaryColumn } from 'typeorm';
import { int, moment, text } from '../columns.js';

/** A SKU that was ever ordered, described as in its latest order by business time. */
@Entity({ schema: 'read', name: 'products' })
export class ProductRow {
  @PrimaryColumn(text('sku'))
  sku: string;

  @Column(text('description', { nullable: true }))
  description: string | null;

  /** Business time of the order that gave the description; null while no order gave one. */
  @Column(moment('described_at', { nullable: true }))
  describedAt: Date | null;

  @Column(text('described_by_order', { nullable: true }))
  describedByOrder: string | null;

  @Column(int('described_by_line', { nullable: true }))
  describedByLine: number | null;
}
