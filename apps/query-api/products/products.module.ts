import { Module } from '@nestjs/common';
import { GetProductHandler, ListProductsHandler } from './product.queries.js';
import { ProductsController } from './products.controller.js';

@Module({ controllers: [ProductsController], providers: [ListProductsHandler, GetProductHandler] })
export class ProductsModule {}
