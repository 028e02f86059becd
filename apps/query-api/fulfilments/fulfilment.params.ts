import { ApiProperty } from '@nestjs/swagger';
import { IsString, MaxLength } from 'class-validator';
import { FULFILMENT_STATUSES, type FulfilmentStatus } from '#read-models';
import { OneOf, PageParams } from '../reading/read.params.js';

export class FulfilmentPath {
  @IsString()
  @MaxLength(200)
  @ApiProperty()
  orderId: string;
}

export class ListFulfilmentsParams extends PageParams {
  @OneOf(['open', ...FULFILMENT_STATUSES], 'Only those that stand there now; `open` is running or parked.', 'open')
  status: FulfilmentStatus | 'open' = 'open';
}
