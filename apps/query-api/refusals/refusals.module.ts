import { Module } from '@nestjs/common';
import { GetRefusalsHandler } from './refusal.queries.js';
import { RefusalsController } from './refusals.controller.js';

@Module({ controllers: [RefusalsController], providers: [GetRefusalsHandler] })
export class RefusalsModule {}
