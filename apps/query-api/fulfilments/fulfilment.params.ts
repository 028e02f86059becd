import { FULFILMENT_STATUSES, type FulfilmentStatus } from '#read-models';
import { OneOf, PageParams, Text } from '../reading/read.params.js';

export class FulfilmentPath {
  @Text(200, 'As the answer to the order gave it.', undefined, 'path')
  orderId: string;
}

export class ListFulfilmentsParams extends PageParams {
  @OneOf(['open', ...FULFILMENT_STATUSES], 'Only those that stand there now; `open` is running or parked.', 'open')
  status: FulfilmentStatus | 'open' = 'open';
}
