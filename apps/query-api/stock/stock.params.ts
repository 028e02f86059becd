import { PageParams, Sku, WholeNumber, YesOrNo } from '../reading/read.params.js';

export class StockPath {
  @Sku('In any case.', 'path')
  sku: string;
}

export class ListStockParams extends PageParams {
  @WholeNumber(-1_000_000_000, 1_000_000_000, 'Only SKUs with fewer available pieces than this.')
  lowBelow?: number;

  @YesOrNo('Only SKUs that are (or are not) at or below their reorder level.')
  low?: boolean;
}
