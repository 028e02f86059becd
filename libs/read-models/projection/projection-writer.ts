import type { ClientBase } from 'pg';
import { ProjectionPositions } from './positions.js';
import type { ProjectedEvent } from './projected-event.js';
import { ProjectionBatch, type Applied, type ProjectionBatchOptions } from './projection-batch.js';
import type { Projection } from './projection.js';
import { TableWriter } from './table-writer.js';
import type { Table } from './table.js';

export interface ProjectionWriterOptions {
  /** Fed by the same events: all of one category. */
  readonly projections: readonly Projection[];
  /** Where their tables and checkpoints are. Default `read`, the live ones. */
  readonly schema?: string;
}

/**
 * Applies events to projections, inside the caller's transaction:
 * - effects and checkpoints together, so that neither can be there without the other
 * - per projection, an event whose version was applied before is dropped; one that would leave a hole is refused
 * - one read of checkpoints and one write a table, however many events
 * The caller lets only one such transaction at a time touch a projection (see lockProjections).
 */
export class ProjectionWriter {
  private readonly projections: readonly Projection[];
  private readonly positions: ProjectionPositions;
  private readonly writers: ReadonlyMap<Table, TableWriter<object>>;

  constructor({ projections, schema = 'read' }: ProjectionWriterOptions) {
    this.projections = projections;
    this.positions = new ProjectionPositions(schema);
    this.writers = new Map(projections.flatMap(({ tables }) => tables.map((table) => [table, new TableWriter(table, schema)] as const)));
  }

  /** Throws as {@link ProjectionBatch.take} does. */
  async apply(client: ClientBase, events: readonly ProjectedEvent[]): Promise<Applied> {
    const batch = this.batch();
    await batch.take(client, events);
    return await batch.write(client);
  }

  /** To take events little by little and write them together. */
  batch(options: Pick<ProjectionBatchOptions, 'fromBeginning' | 'after'> = {}): ProjectionBatch {
    return new ProjectionBatch({ projections: this.projections, positions: this.positions, writers: this.writers, ...options });
  }
}
