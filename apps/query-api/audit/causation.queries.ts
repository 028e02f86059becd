import { Inject } from '@nestjs/common';
import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { DataSource } from 'typeorm';
import { EventReader } from '#event-store/read';
import { queryProblem } from '../reading/query-problems.js';
import { Read } from '../reading/read.js';
import type { CommandAnswer, CorrelationAnswer } from './audit.answers.js';
import { auditedCommand, commandIdsOf } from './audited-event.js';
import { causationTree, type CausationNode } from './causation-tree.js';
import { correlationEvents } from './correlation-events.js';

/** All that shares a correlation id. */
export class GetCorrelation extends Read<CorrelationAnswer> {
  readonly sources = ['event-store'] as const;

  constructor(readonly correlationId: string) {
    super();
  }
}

/** A command and all that followed from it. */
export class GetCommand extends Read<CommandAnswer> {
  readonly sources = ['event-store'] as const;

  constructor(readonly commandId: string) {
    super();
  }
}

@QueryHandler(GetCorrelation)
export class GetCorrelationHandler implements IQueryHandler<GetCorrelation> {
  constructor(
    @Inject(DataSource) private readonly dataSource: DataSource,
    @Inject(EventReader) private readonly reader: EventReader,
  ) {}

  async execute({ correlationId }: GetCorrelation): Promise<CorrelationAnswer> {
    const { events, complete } = await correlationEvents(this.dataSource, correlationId);
    if (events.length === 0) throw queryProblem('correlation.not-found', 'No event carries this correlation id.');
    const commands = await this.reader.findCommands(commandIdsOf(events));
    const perStream = new Map<string, number>();
    for (const { streamId } of events) perStream.set(streamId, (perStream.get(streamId) ?? 0) + 1);
    return {
      correlationId,
      events: events.length,
      complete,
      streams: [...perStream].map(([streamId, count]) => ({ streamId, events: count })),
      tree: causationTree(events, commands.values()),
    };
  }
}

@QueryHandler(GetCommand)
export class GetCommandHandler implements IQueryHandler<GetCommand> {
  constructor(
    @Inject(DataSource) private readonly dataSource: DataSource,
    @Inject(EventReader) private readonly reader: EventReader,
  ) {}

  async execute({ commandId }: GetCommand): Promise<CommandAnswer> {
    const command = await this.reader.findCommand(commandId);
    if (command === undefined) throw queryProblem('command.not-found', 'Only commands that were decided are kept.');
    const { events, complete } = await correlationEvents(this.dataSource, command.correlationId);
    const tree = causationTree(events, [command]).filter(({ id }) => id === command.id);
    return {
      command: auditedCommand(command),
      appended: events
        .filter((event) => event.commandId === command.id)
        .map(({ streamId, version, type }) => ({ streamId, version, type })),
      followed: eventsIn(tree),
      complete,
      tree,
    };
  }
}

/** The tree is shallow by construction. */
const eventsIn = (nodes: readonly CausationNode[]): number =>
  nodes.reduce((sum, node) => sum + (node.kind === 'event' ? 1 : 0) + eventsIn(node.caused), 0);
