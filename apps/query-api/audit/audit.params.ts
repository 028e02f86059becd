import { ApiProperty } from '@nestjs/swagger';
import { IsUUID } from 'class-validator';
import { Instant, MAX_LIMIT, ReadParams, Text, WholeNumber, YesOrNo } from '../reading/read.params.js';

const MAX_VERSION = 2_147_483_647;

export class StreamPath {
  @Text(250, '`<category>-<key>`: order-<id>, stock-<SKU>, payment-<id> or fulfilment-<order id>.', 'stock-85123A', 'path')
  streamId: string;
}

export class CommandPath {
  @IsUUID()
  @ApiProperty({ format: 'uuid' })
  commandId: string;
}

export class CorrelationPath {
  @IsUUID()
  @ApiProperty({ format: 'uuid', description: 'The `X-Correlation-Id` of the first request.' })
  correlationId: string;
}

export class HistoryParams extends ReadParams {
  @WholeNumber(1, MAX_VERSION, 'First version.', 1)
  fromVersion: number = 1;

  @WholeNumber(1, MAX_VERSION, 'Last version.')
  toVersion?: number;

  @Instant('Only what was recorded up to then (server time, inclusive).')
  until?: Date;

  @WholeNumber(1, MAX_LIMIT, 'Events a page; an NDJSON export has no pages.', 100)
  limit: number = 100;
}

export class StateParams extends ReadParams {
  @WholeNumber(0, MAX_VERSION, 'State after this version; 0 is before the first event.')
  version?: number;

  @Instant('State as it was recorded at this moment (server time, inclusive).')
  at?: Date;

  @YesOrNo(
    'Continue from the snapshot the write side keeps, where there is one that is not newer: quick however long the stream, and only as true as the snapshot. Not with `at`. Default: from the events alone.',
  )
  fromSnapshot?: boolean;
}

export class DiffParams extends ReadParams {
  @WholeNumber(0, MAX_VERSION, 'One version; 0 is before the first event.', 0)
  from: number = 0;

  @WholeNumber(0, MAX_VERSION, 'The other version. Default: the newest.')
  to?: number;
}
