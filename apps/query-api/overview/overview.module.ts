import { Module } from '@nestjs/common';
import { OverviewController } from './overview.controller.js';
import { GetOverviewHandler } from './overview.queries.js';

@Module({ controllers: [OverviewController], providers: [GetOverviewHandler] })
export class OverviewModule {}
