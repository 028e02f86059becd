import { Module } from '@nestjs/common';
import { EventReader } from '#event-store/read';
import { AuditController } from './audit.controller.js';
import { GetCommandHandler, GetCorrelationHandler } from './causation.queries.js';
import { DiffStreamHandler, ExportStreamHandler, GetStreamHistoryHandler, GetStreamStateHandler } from './stream.queries.js';
import { StreamStates } from './stream-states.js';

@Module({
  controllers: [AuditController],
  providers: [
    { provide: StreamStates, inject: [EventReader], useFactory: (reader: EventReader) => new StreamStates(reader) },
    GetStreamHistoryHandler,
    ExportStreamHandler,
    GetStreamStateHandler,
    DiffStreamHandler,
    GetCommandHandler,
    GetCorrelationHandler,
  ],
})
export class AuditModule {}
