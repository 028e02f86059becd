import type { Logger } from '#platform';
import { allAnswered, beginAsOnlyWriter, ProjectionWriter, type Applied, type ProjectedEvent, type Projection } from '#read-models/write';
import type { ClientBase, Pool } from 'pg';

export interface LiveProjectionsOptions {
  /** Of pipelined connections. */
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

  /**
   * Commits before it resolves. When it rejects nothing was applied, or everything was and only the answer got lost.
   *
   * Two round trips: begin and look up, write and commit. One after the other these were 18, and on a busy machine each is a turn of
   * waiting for this process and one for the database's. All tables in one statement were no faster than a pipeline of statements.
   */
  async apply(events: readonly ProjectedEvent[]): Promise<Applied> {
    return this.onConnection(async (client) => {
      const batch = this.writer.batch();
      // Nothing is written before the transaction is known to have begun.
      await allAnswered([beginAsOnlyWriter(client, this.names), batch.take(client, events)]);
      return await batch.write(client, 'COMMIT');
    });
  }

  /**
   * The first event that the database itself refuses when they are applied one at a time; undefined when none is. For the rare batch
   * that failed with a data error, which does not say whose data it was. Leaves no trace.
   */
  async findRefused(events: readonly ProjectedEvent[]): Promise<{ event: ProjectedEvent; sqlState: string } | undefined> {
    return this.onConnection(async (client) => {
      await beginAsOnlyWriter(client, this.names);
      const refused = await this.firstRefused(client, events);
      await client.query('ROLLBACK');
      return refused;
    });
  }

  private async firstRefused(
    client: ClientBase,
    events: readonly ProjectedEvent[],
  ): Promise<{ event: ProjectedEvent; sqlState: string } | undefined> {
    for (const event of events) {
      try {
        await this.writer.apply(client, [event]);
      } catch (error) {
        if (!isDataError(error)) throw error;
        return { event, sqlState: sqlStateOf(error) };
      }
    }
    return undefined;
  }

  /** What `work` leaves open when it fails is undone. */
  private async onConnection<Result>(work: (client: ClientBase) => Promise<Result>): Promise<Result> {
    const client = await this.options.pool.connect();
    let broken: Error | undefined;
    // Ended by the server between two statements: the next one fails, and this keeps the process alive until then.
    const onError = (error: Error): void => void (broken = error);
    client.on('error', onError);
    try {
      return await work(client);
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
