import type { Logger } from '#platform';
import { beginAsOnlyWriter, ProjectionWriter, type Applied, type ProjectedEvent, type Projection } from '#read-models/write';
import type { Pool } from 'pg';

export interface LiveProjectionsOptions {
  readonly pool: Pool;
  /** All fed by one category. */
  readonly projections: readonly Projection[];
  readonly logger: Logger;
}

/** The live tables of one category's projections: a batch is one transaction, effects and checkpoints together. */
export class LiveProjections {
  readonly names: readonly string[];
  private readonly writer: ProjectionWriter;

  constructor(private readonly options: LiveProjectionsOptions) {
    this.names = options.projections.map(({ name }) => name);
    this.writer = new ProjectionWriter({ projections: options.projections });
  }

  /** Commits before it resolves. When it rejects nothing was applied, or everything was and only the answer got lost. */
  async apply(events: readonly ProjectedEvent[]): Promise<Applied> {
    return this.transaction('COMMIT', (attempt) => attempt(events));
  }

  /**
   * The first event that the database itself refuses when they are applied one at a time; undefined when none is. For the rare batch
   * that failed with a data error, which does not say whose data it was. Leaves no trace.
   */
  async findRefused(events: readonly ProjectedEvent[]): Promise<{ event: ProjectedEvent; sqlState: string } | undefined> {
    return this.transaction('ROLLBACK', async (attempt) => {
      for (const event of events) {
        try {
          await attempt([event]);
        } catch (error) {
          if (!isDataError(error)) throw error;
          return { event, sqlState: sqlStateOf(error) };
        }
      }
      return undefined;
    });
  }

  private async transaction<Result>(
    end: 'COMMIT' | 'ROLLBACK',
    work: (attempt: (events: readonly ProjectedEvent[]) => Promise<Applied>) => Promise<Result>,
  ): Promise<Result> {
    const client = await this.options.pool.connect();
    let broken: Error | undefined;
    // Ended by the server between two statements: the next one fails, and this keeps the process alive until then.
    const onError = (error: Error): void => void (broken = error);
    client.on('error', onError);
    try {
      await beginAsOnlyWriter(client, this.names);
      const result = await work((events) => this.writer.apply(client, events));
      await client.query(end);
      return result;
    } catch (error) {
      await client.query('ROLLBACK').catch((failure: Error) => {
        broken ??= failure;
        this.options.logger.warn({ event: 'projector.rollback.failed', err: failure });
      });
      throw error;
    } finally {
      client.off('error', onError);
      client.release(broken);
    }
  }
}

/** Class 22 data exception, 23 constraint violation, 54 limit exceeded: trying again will not help. */
export const isDataError = (error: unknown): boolean => /^(22|23|54)/.test(sqlStateOf(error));

const sqlStateOf = (error: unknown): string => String((error as { code?: unknown } | null)?.code ?? '');
