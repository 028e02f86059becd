import { Currency, DEFAULT_CURRENCY, OneOf, PageParams, Sku } from '../reading/read.params.js';

export const PRODUCT_SORTS = ['sku', 'revenue', 'units', 'orders'] as const;
export type ProductSort = (typeof PRODUCT_SORTS)[number];

export class ProductPath {
  @Sku('In any case.', 'path')
  sku: string;
}

export class ListProductsParams extends PageParams {
  @OneOf(PRODUCT_SORTS, 'Order of the list; all but `sku` descend. Figures move: only `sku` promises every product exactly once.', 'sku')
  sort: ProductSort = 'sku';

  @Currency()
  currency: string = DEFAULT_CURRENCY;
}
