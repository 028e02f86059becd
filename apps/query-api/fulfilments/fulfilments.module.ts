import { Module } from '@nestjs/common';
import { GetFulfilmentHandler, ListFulfilmentsHandler } from './fulfilment.queries.js';
import { FulfilmentsController } from './fulfilments.controller.js';

@Module({ controllers: [FulfilmentsController], providers: [ListFulfilmentsHandler, GetFulfilmentHandler] })
export class FulfilmentsModule {}
