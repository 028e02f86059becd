import { Column, Entity, PrimaryColumn } from 'typeorm';
import { computed, int, moment, text, whole } from '../columns.js';

/** Stock of one SKU, in pieces. `received + adjusted + returned = onHand + shipped`; `available = onHand - reserved`. */
@Entity({ schema: 'read', name: 'stock_levels' })
export class StockLevelRow {
  @PrimaryColumn(text('sku'))
  sku: string;

  @Column(computed('on_hand', 'received + adjusted + returned - shipped'))
  onHand: number;

  @Column(whole('reserved'))
  reserved: number;

  @Column(computed('available', 'received + adjusted + returned - shipped - reserved'))
  available: number;

  @Column(whole('received'))
  received: number;

  /** Found minus written off. */
  @Column(whole('adjusted'))
  adjusted: number;

  @Column(whole('shipped'))
  shipped: number;

  @Column(whole('returned'))
  returned: number;

  /** Reservations that were refused for want of stock. */
  @Column(whole('refusals'))
  refusals: number;

  /** At or below this many available pieces the SKU counts as low: a tenth of what was ever received, rounded up. */
  @Column(computed('reorder_level', '(received + 9) / 10'))
  reorderLevel: number;

  /** Recorded-at of the newest event. */
  @Column(moment('updated_at'))
  updatedAt: Date;

  /** Version of the SKU's stream that this row shows. */
  @Column(int('version'))
  version: number;
}
