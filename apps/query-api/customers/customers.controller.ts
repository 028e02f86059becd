import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ApiRead } from '../reading/api-read.js';
import { pageOf } from '../reading/page.js';
import { ReadParams } from '../reading/read.params.js';
import { Customer } from './customer.answers.js';
import { CustomerPath, ListCustomersParams } from './customer.params.js';
import { GetCustomer, ListCustomers } from './customer.queries.js';

@ApiTags('customers')
@Controller('customers')
export class CustomersController {
  @Get()
  @ApiRead({ summary: 'Customers with their orders and spend.', answer: pageOf(Customer), problems: ['invalid-cursor'] })
  list(@Query() { sort, currency, guest, country, limit, cursor }: ListCustomersParams): ListCustomers {
    return new ListCustomers(sort, currency, { guest, country }, limit, cursor);
  }

  @Get(':customerId')
  @ApiRead({ summary: 'One customer.', answer: Customer, problems: ['customer.not-found'] })
  get(@Param() { customerId }: CustomerPath, @Query() _params: ReadParams): GetCustomer {
    return new GetCustomer(customerId);
  }
}
