import { Module } from '@nestjs/common';
import { GetCustomerHandler, ListCustomersHandler } from './customer.queries.js';
import { CustomersController } from './customers.controller.js';

@Module({ controllers: [CustomersController], providers: [ListCustomersHandler, GetCustomerHandler] })
export class CustomersModule {}
