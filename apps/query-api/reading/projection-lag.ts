import type { Pool } from 'pg';
import { categoriesOf, type Source } from './projections.js';

export interface Lag {
  /** Age of the oldest event that the read model has not applied, milliseconds; 0 when it has applied all. */
  readonly lagMs: number;
  /** Everything recorded up to this moment is in the read model. ISO 8601, the database's clock. */
  readonly asOf: string;
}

export interface ProjectionLagOptions {
  readonly pool: Pool;
  /** A sample this old is taken again before it is given out, milliseconds. Default 1000. */
  readonly maxAgeMs?: number;
}

interface Sample extends Lag {
  readonly takenAt: number;
}

/**
 * How fresh each read model is, measured against the event store and not told by the projector: a projector that stands still would
 * tell the lag of its last batch for ever. A sample looks only at events after the last one known to be applied with all before it;
 * all requests within a second share it, and nobody asking costs nothing.
 */
export class ProjectionLag {
  private readonly samples = new Map<Source, Promise<Sample>>();
  /** Position up to which everything is known to be applied. */
  private readonly floors = new Map<Source, number>();

  constructor(private readonly options: ProjectionLagOptions) {}

  async of(source: Source): Promise<Lag> {
    const known = this.samples.get(source);
    if (known !== undefined) {
      const sample = await known;
      if (performance.now() - sample.takenAt < (this.options.maxAgeMs ?? 1_000)) return sample;
    }
    // Whoever comes second waits for the sample that the first has begun.
    if (this.samples.get(source) === known) {
      const next = this.take(source);
      this.samples.set(source, next);
      next.catch(() => this.samples.delete(source));
    }
    return this.samples.get(source)!;
  }

  private async take(source: Source): Promise<Sample> {
    const floor = this.floors.get(source);
    const [row] = (await (floor === undefined ? this.oldestOfAll(source) : this.oldestAfter(source, floor))).rows;
    if (row === undefined) throw new Error('the lag query always answers one row');
    this.floors.set(source, Math.max(floor ?? 0, row.floor));
    return { lagMs: row.lag_ms, asOf: row.as_of, takenAt: performance.now() };
  }

  /**
   * The first time: streams whose head is past what was applied, the oldest event of those. Reads both heads tables once.
   * A floor is only moved to events older than ten seconds: a transaction that took a lower position may still be committing.
   */
  private oldestOfAll(source: Source) {
    return this.options.pool.query<LagRow>(
      `WITH oldest AS (
         SELECT e.position, e.recorded_at
         FROM tidemark.streams s
         LEFT JOIN read.projection_positions p ON p.projection = $1 AND p.stream_id = s.stream_id
         JOIN tidemark.events e ON e.stream_id = s.stream_id AND e.version = coalesce(p.version, 0) + 1
         WHERE s.version > coalesce(p.version, 0) AND split_part(s.stream_id, '-', 1) = ANY ($2::text[])
         ORDER BY e.position LIMIT 1
       ) ${ANSWER}`,
      [source, categoriesOf(source)],
    );
  }

  /** A scalar look-up for each event: never a join, which the planner could turn into a scan of all checkpoints. */
  private oldestAfter(source: Source, floor: number) {
    return this.options.pool.query<LagRow>(
      `WITH oldest AS (
         SELECT e.position, e.recorded_at
         FROM tidemark.events e
         WHERE e.position > $3 AND split_part(e.stream_id, '-', 1) = ANY ($2::text[]) AND e.version > coalesce(
           (SELECT p.version FROM read.projection_positions p WHERE p.projection = $1 AND p.stream_id = e.stream_id), 0)
         ORDER BY e.position LIMIT 1
       ) ${ANSWER}`,
      [source, categoriesOf(source), floor],
    );
  }
}

interface LagRow {
  readonly lag_ms: number;
  readonly as_of: string;
  readonly floor: number;
}

const ANSWER = `
  SELECT
    coalesce((SELECT ceil(extract(epoch FROM greatest(clock_timestamp() - recorded_at, interval '0')) * 1000) FROM oldest), 0)::float8 AS lag_ms,
    coalesce((SELECT recorded_at FROM oldest), statement_timestamp()) AS as_of,
    coalesce(
      (SELECT position - 1 FROM oldest),
      (SELECT position FROM tidemark.events WHERE recorded_at < statement_timestamp() - interval '10 seconds' ORDER BY position DESC LIMIT 1),
      0
    ) AS floor`;
