import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ApiRead } from '../reading/api-read.js';
import { pageOf } from '../reading/page.js';
import { ReadParams } from '../reading/read.params.js';
import { ProductDetail, ProductSummary } from './product.answers.js';
import { ListProductsParams, ProductPath } from './product.params.js';
import { GetProduct, ListProducts } from './product.queries.js';

@ApiTags('products')
@Controller('products')
export class ProductsController {
  @Get()
  @ApiRead({ summary: 'Products with what they sold.', answer: pageOf(ProductSummary), problems: ['invalid-cursor'] })
  list(@Query() { sort, currency, limit, cursor }: ListProductsParams): ListProducts {
    return new ListProducts(sort, currency, limit, cursor);
  }

  @Get(':sku')
  @ApiRead({ summary: 'One product, with its sales in every currency.', answer: ProductDetail, problems: ['product.not-found'] })
  get(@Param() { sku }: ProductPath, @Query() _params: ReadParams): GetProduct {
    return new GetProduct(sku);
  }
}
