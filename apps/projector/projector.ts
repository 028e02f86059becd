import type { StreamCategory } from '#domain';
import { failpoints } from '#failpoints';
import type { EventMessage } from '#messaging';
import type { Logger } from '#platform';
import { PROJECTED_CATEGORIES, projectionsOf } from '#read-models';
import type { Pool } from 'pg';
import { Counter, Histogram, type Registry } from 'prom-client';
import { admit } from './admission.js';
import { LiveProjections } from './live-projections.js';
import { ProjectionLane } from './projection-lane.js';

export interface ProjectorOptions {
  readonly pool: Pool;
  readonly logger: Logger;
  readonly metrics: Registry;
}

/** Feeds every live projection: one lane a category. */
export class Projector {
  private readonly lanes: ReadonlyMap<StreamCategory, ProjectionLane>;

  constructor({ pool, logger, metrics }: ProjectorOptions) {
    const figures = projectorFigures(metrics);
    this.lanes = new Map(
      PROJECTED_CATEGORIES.map((category) => {
        const live = new LiveProjections({ pool, projections: projectionsOf(category), logger });
        return [category, new ProjectionLane({ live, logger, onApplied: figures(category) })];
      }),
    );
  }

  /** Events of one partition of the category's topic. Throws as {@link ProjectionLane.apply} and {@link admit} do. */
  async apply(category: StreamCategory, messages: readonly EventMessage[]): Promise<void> {
    const lane = this.lanes.get(category);
    if (lane === undefined) throw new Error(`no projection takes ${category} events`);
    if (failpoints.armed) await failpoints.reach('projector.fetched');
    await lane.apply(messages.map(admit));
    if (failpoints.armed) await failpoints.reach('projector.committed');
  }

  /** What went wrong last, by category; empty when all is well. */
  get failures(): Record<string, { readonly at: string; readonly reason: string }> {
    return Object.fromEntries([...this.lanes].flatMap(([category, { lastFailure }]) => (lastFailure ? [[category, lastFailure]] : [])));
  }
}

function projectorFigures(metrics: Registry) {
  const events = new Counter({
    name: 'tidemark_projected_events_total',
    help: 'Events applied to live projections.',
    labelNames: ['projection'],
    registers: [metrics],
  });
  const duplicates = new Counter({
    name: 'tidemark_projector_duplicates_total',
    help: 'Events dropped because a projection had applied their version before, times projections.',
    labelNames: ['category'],
    registers: [metrics],
  });
  const seconds = new Histogram({
    name: 'tidemark_projector_transaction_seconds',
    help: 'Time of one transaction of a category.',
    labelNames: ['category'],
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
    registers: [metrics],
  });
  const delay = new Histogram({
    name: 'tidemark_projection_delay_seconds',
    help: 'From the recording of the newest event of a transaction to its commit in the read model.',
    labelNames: ['projection'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300],
    registers: [metrics],
  });
  return (category: StreamCategory): ConstructorParameters<typeof ProjectionLane>[0]['onApplied'] =>
    (applied, durationMs) => {
      for (const [projection, { events: count, newestRecordedAt }] of applied.taken) {
        events.inc({ projection }, count);
        delay.observe({ projection }, Math.max(0, Date.now() - Date.parse(newestRecordedAt)) / 1000);
      }
      if (applied.duplicates > 0) duplicates.inc({ category }, applied.duplicates);
      seconds.observe({ category }, durationMs / 1000);
    };
}
