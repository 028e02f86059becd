export interface ReceiveStock {
  readonly type: 'ReceiveStock';
  readonly data: { readonly sku: string; readonly quantity: number; readonly reference: string | null };
}

/** Found (positive) or written off (negative) pieces, never zero. */
export interface AdjustStock {
  readonly type: 'AdjustStock';
  readonly data: { readonly sku: string; readonly delta: number; readonly reason: string };
}

/** `quantity` is the order's sum over all its lines of this SKU: an order has at most one reservation a SKU. */
export interface ReserveStock {
  readonly type: 'ReserveStock';
  readonly data: { readonly sku: string; readonly orderId: string; readonly quantity: number };
}

export interface ReleaseStock {
  readonly type: 'ReleaseStock';
  readonly data: { readonly sku: string; readonly orderId: string };
}

/** Ships what is reserved for the order. */
export interface ShipStock {
  readonly type: 'ShipStock';
  readonly data: { readonly sku: string; readonly orderId: string };
}

export interface ReturnStock {
  readonly type: 'ReturnStock';
  readonly data: { readonly sku: string; readonly orderId: string; readonly quantity: number };
}

export type StockCommand = ReceiveStock | AdjustStock | ReserveStock | ReleaseStock | ShipStock | ReturnStock;
