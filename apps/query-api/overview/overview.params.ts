import { Currency, DEFAULT_CURRENCY, Instant, ReadParams } from '../reading/read.params.js';

export class OverviewParams extends ReadParams {
  @Instant('Orders placed then or later (business time).')
  from?: Date;

  @Instant('Orders placed before then (business time).')
  to?: Date;

  @Currency()
  currency: string = DEFAULT_CURRENCY;
}
