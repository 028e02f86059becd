import { ORDER_STATUSES, type OrderStatus } from '#read-models';
import { Instant, OneOf, PageParams, Sku, Text } from '../reading/read.params.js';

export class OrderPath {
  @Text(200, 'As the answer to the order gave it.', undefined, 'path')
  orderId: string;
}

export class ListOrdersParams extends PageParams {
  @OneOf(ORDER_STATUSES, 'Only orders that stand there now.')
  status?: OrderStatus;

  @Text(200, 'Only orders of this customer.', '17850')
  customerId?: string;

  @Sku('Only orders with a line of this SKU.')
  sku?: string;

  @Text(100, 'Only orders refused for this reason.', 'out-of-stock')
  refusalCode?: string;

  @Text(200, "Only orders of this reference of the client's.", '536365')
  reference?: string;

  @Instant('Placed then or later (business time).')
  placedFrom?: Date;

  @Instant('Placed before then (business time).')
  placedTo?: Date;
}
