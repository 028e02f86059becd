import { Currency, DEFAULT_CURRENCY, OneOf, PageParams, Text, YesOrNo } from '../reading/read.params.js';

export const CUSTOMER_SORTS = ['id', 'spend', 'orders', 'lastOrder'] as const;
export type CustomerSort = (typeof CUSTOMER_SORTS)[number];

export class CustomerPath {
  @Text(200, 'As the client gave it with the order.', '17850', 'path')
  customerId: string;
}

export class ListCustomersParams extends PageParams {
  @OneOf(CUSTOMER_SORTS, 'Order of the list; all but `id` descend. Figures move: only `id` promises every customer exactly once.', 'id')
  sort: CustomerSort = 'id';

  @Currency()
  currency: string = DEFAULT_CURRENCY;

  @YesOrNo('Only guests, or only others.')
  guest?: boolean;

  @Text(100, 'Only customers of this country.', 'France')
  country?: string;
}
