import type { StreamCategory } from '#domain';
import { failpoints } from '#failpoints';
import { KEEP_ALIVE } from '#platform';
import pg, { type ClientBase } from 'pg';
import { beginAsOnlyWriter, claimRebuild, rebuildingSession } from '../projection/locks.js';
import type { ProjectedEvent } from '../projection/projected-event.js';
import type { Applied, ProjectionBatch } from '../projection/projection-batch.js';
import { ProjectionWriter } from '../projection/projection-writer.js';
import type { Projection } from '../projection/projection.js';
import { projectionNamed, tablesOf, type ProjectionName } from '../projections.js';
import { BesideSchema } from './beside-schema.js';
import { bringLevel, differingStreams } from './catch-up.js';
import { compareTables, type TableComparison } from './comparison.js';
import type { EventSource } from './event-source.js';
import { swapPositions, swapTables } from './swap.js';

export interface RebuildOptions {
  readonly databaseUrl: string;
  readonly source: EventSource;
  /** Events read at a time. Default 5,000. */
  readonly batchSize?: number;
  /** Rows a projection keeps in memory until it writes them, a few more or less. Default 20,000. */
  readonly rowsAtOnce?: number;
  /** How often a swap tries to get hold of tables that queries keep using, each time for a quarter of a second. Default 40. */
  readonly swapAttempts?: number;
  readonly onProgress?: (progress: RebuildProgress) => void;
}

export interface RebuildProgress {
  /** Events read so far, of those that some projection of this rebuild takes. */
  readonly events: number;
  /** Where in the store the scan is, and where it will end. */
  readonly position: number;
  readonly lastPosition: number;
}

export interface Comparison {
  readonly equal: boolean;
  /** The projection's tables, and its checkpoints as `projection_positions`. */
  readonly tables: readonly TableComparison[];
  /** How far the live tables were behind the store when they were caught up for the comparison. */
  readonly liveBehind: { readonly streams: number; readonly events: number };
}

export class RebuildBusyError extends Error {
  constructor(projection: string, who: string) {
    super(`projection ${projection} is being rebuilt already (${who})`);
    this.name = 'RebuildBusyError';
  }
}

/** A connection whose process was killed may take a moment to be noticed by the database. */
const CLAIM_PATIENCE_MS = 2_000;
/** Catching up in rounds ends when a round found this few streams, or after this many: the rest is done while the writer waits. */
const FEW_STREAMS = 200;
const MOST_ROUNDS = 20;

/**
 * Builds a projection from the event store into tables beside the live ones, which stay as they are. The caller then compares, swaps,
 * or drops; one rebuild of a projection at a time.
 *
 * Nothing can fall between: an event was either committed before the scan began, or the live tables have it (then it is fetched by
 * its stream's version), or the live projector has not had it yet (then it comes to whichever tables are live).
 *
 * Everything written runs on the one connection that holds the claim, so a rebuild that lost its claim cannot write.
 * @throws RebuildBusyError another one runs
 */
export async function rebuildBeside(name: ProjectionName, options: RebuildOptions): Promise<BesideRebuild> {
  const outcome = (await rebuildTogether([name], options)).get(name)!;
  if (outcome instanceof Error) throw outcome;
  return outcome;
}

/**
 * Builds several projections, as {@link rebuildBeside} does, from one reading of the store: reading it costs more than any projection
 * makes of it. One that fails says so in its place, and the others go on.
 */
export async function rebuildTogether(
  names: readonly ProjectionName[],
  options: RebuildOptions,
): Promise<Map<ProjectionName, BesideRebuild | Error>> {
  const outcomes = new Map<ProjectionName, BesideRebuild | Error>();
  const attempt = async (rebuild: BesideRebuild, work: () => Promise<unknown>): Promise<void> => {
    if (outcomes.get(rebuild.name) instanceof Error) return;
    try {
      await work();
    } catch (error) {
      outcomes.set(rebuild.name, error instanceof Error ? error : new Error(String(error)));
      await rebuild.giveUp();
    }
  };
  const rebuilds = names.map((name) => new BesideRebuild(projectionNamed(name), name, options));
  for (const rebuild of rebuilds) outcomes.set(rebuild.name, rebuild);
  const each = async (work: (rebuild: BesideRebuild) => Promise<unknown>): Promise<void> =>
    void (await Promise.all(rebuilds.map((rebuild) => attempt(rebuild, () => work(rebuild)))));

  await each((rebuild) => rebuild.begin());
  try {
    await readFor(
      rebuilds.filter(({ name }) => outcomes.get(name) instanceof BesideRebuild),
      options,
      each,
    );
  } catch (error) {
    await Promise.all(rebuilds.map((rebuild) => rebuild.giveUp()));
    throw error;
  }
  await each((rebuild) => rebuild.finish());
  return outcomes;
}

async function readFor(
  rebuilds: readonly BesideRebuild[],
  { source, batchSize = 5_000, onProgress }: RebuildOptions,
  each: (work: (rebuild: BesideRebuild) => Promise<unknown>) => Promise<void>,
): Promise<void> {
  if (rebuilds.length === 0) return;
  const categories = [...new Set(rebuilds.map(({ category }) => category))];
  const lastPosition = await source.lastPosition();
  let events = 0;
  for await (const page of oneAhead(source.readAll({ categories, batchSize }))) {
    const pages = new Map(
      categories.map((category) => [
        category,
        categories.length === 1 ? page : page.filter(({ streamId }) => streamId.startsWith(`${category}-`)),
      ]),
    );
    await each((rebuild) => rebuild.take(pages.get(rebuild.category)!));
    events += page.length;
    onProgress?.({ events, position: page.at(-1)!.position, lastPosition });
  }
  onProgress?.({ events, position: lastPosition, lastPosition });
}

export class BesideRebuild {
  /** Events the tables were built from. */
  events = 0;
  /** The projection's tables, as they are called live; the rebuilt ones have the same names in `schema`. */
  readonly tables: readonly string[];
  readonly schema: string;
  readonly category: StreamCategory;

  private readonly client: pg.Client;
  private readonly beside: BesideSchema;
  private readonly rebuilt: ProjectionWriter;
  private readonly live: ProjectionWriter;
  /** What is folded and not written yet. */
  private folding: ProjectionBatch;
  /** The write of what was folded before. */
  private writing: Promise<unknown> = Promise.resolve();

  constructor(
    projection: Projection,
    readonly name: ProjectionName,
    private readonly options: RebuildOptions,
  ) {
    this.category = projection.category;
    this.client = new pg.Client({
      connectionString: options.databaseUrl,
      application_name: 'tidemark-rebuild',
      pipeline: true,
      ...KEEP_ALIVE,
      // What is lost in a crash is built again anyway; the swap itself is made durable (see swap).
      options: '-c timezone=UTC -c synchronous_commit=off',
    });
    // A dead connection also fails the statement that needs it; without a listener it would end the process.
    this.client.on('error', () => undefined);
    this.schema = `read_rebuild_${name}`;
    this.tables = tablesOf(name).map((table) => table.name);
    const appendOnly = projection.tables.filter((table) => table.appendOnly).map((table) => table.name);
    this.beside = new BesideSchema(this.client, this.schema, [...this.tables, 'projection_positions'], appendOnly);
    this.rebuilt = new ProjectionWriter({ projections: [projection], schema: this.schema });
    this.live = new ProjectionWriter({ projections: [projection] });
    this.folding = this.rebuilt.batch({ fromBeginning: true });
  }

  /** @throws RebuildBusyError */
  async begin(): Promise<void> {
    await this.client.connect();
    await this.claim();
    await this.beside.create();
  }

  /** The next events of the scan. They are folded in memory, and written now and then while the next ones are folded. */
  async take(events: readonly ProjectedEvent[]): Promise<void> {
    await this.folding.take(this.client, events);
    this.events += events.length;
    if (this.folding.rows >= (this.options.rowsAtOnce ?? 20_000)) await this.write();
  }

  /** The scan is over. */
  async finish(): Promise<void> {
    await this.write();
    await this.writing;
    await this.beside.addIndexes();
    if (failpoints.armed) await failpoints.reach('projector.rebuild-filled');
  }

  private async write(): Promise<void> {
    await this.writing;
    const full = this.folding;
    this.writing = this.transaction(() => full.write(this.client));
    // Whoever awaits it next is told.
    this.writing.catch(() => undefined);
    this.folding = this.rebuilt.batch({ fromBeginning: true, after: this.writing });
  }

  private async claim(): Promise<void> {
    const giveUpAt = performance.now() + CLAIM_PATIENCE_MS;
    while (!(await claimRebuild(this.client, this.name))) {
      if (performance.now() > giveUpAt) throw new RebuildBusyError(this.name, await rebuildingSession(this.client, this.name));
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /**
   * Compares row by row while the live writer waits, both sides brought to the same versions first. Leaves no trace: it is undone
   * afterwards, so the live projector goes on from where it was.
   */
  async compare(): Promise<Comparison> {
    await this.follow();
    await beginAsOnlyWriter(this.client, [this.name]);
    try {
      return await this.compareLevel();
    } finally {
      await this.client.query('ROLLBACK');
    }
  }

  /**
   * Compares, and in the same transaction puts the rebuilt tables and their checkpoints in the place of the live ones, when they are
   * equal or `accept` says to take them as they are. Either all of it happens or nothing. Answers the comparison and whether it did.
   * @throws TablesBusyError other sessions never let go of the live tables
   */
  async swap({ accept = false } = {}): Promise<Comparison & { readonly swapped: boolean }> {
    await this.follow();
    await beginAsOnlyWriter(this.client, [this.name]);
    try {
      await this.client.query('SET LOCAL synchronous_commit = on');
      const comparison = await this.compareLevel();
      const swapped = comparison.equal || accept;
      if (swapped) {
        await swapPositions(this.client, this.schema, this.name);
        await swapTables(this.client, this.schema, this.tables, this.options.swapAttempts);
      }
      if (failpoints.armed) await failpoints.reach('projector.rebuild-swap');
      await this.client.query(swapped ? 'COMMIT' : 'ROLLBACK');
      return { ...comparison, swapped };
    } catch (error) {
      await this.client.query('ROLLBACK').catch(() => undefined);
      throw error;
    }
  }

  /** Drops what was not swapped and gives the claim back. */
  async close(): Promise<void> {
    try {
      await this.beside.drop();
    } finally {
      await this.client.end();
    }
  }

  /** Gives the claim back as it is; the next rebuild drops what was built. */
  async giveUp(): Promise<void> {
    await this.client.end().catch(() => undefined);
  }

  /** Follows the live tables, which go on meanwhile, until little is left to do while they wait. */
  private async follow(): Promise<void> {
    for (let round = 1; round <= MOST_ROUNDS; round += 1) {
      const ahead = (await differingStreams(this.client, this.name, this.schema)).filter(({ live, rebuilt }) => live > rebuilt);
      if (ahead.length === 0) return;
      await this.transaction(() => bringLevel(this.client, this.options.source, ahead, [this.rebuilt]));
      if (ahead.length <= FEW_STREAMS) return;
    }
  }

  private async compareLevel(): Promise<Comparison> {
    await this.client.query("SET LOCAL work_mem = '64MB'");
    const differing = await differingStreams(this.client, this.name, this.schema);
    const behind = differing.filter(({ live, rebuilt }) => live < rebuilt);
    await bringLevel(this.client, this.options.source, differing, [
      this.rebuilt,
      { apply: (client, events) => this.applyLive(client, events) },
    ]);
    const tables = await compareTables(this.client, this.name, this.schema);
    return {
      equal: tables.every(({ differing: rows }) => rows === 0),
      tables,
      liveBehind: { streams: behind.length, events: behind.reduce((sum, { live, rebuilt }) => sum + rebuilt - live, 0) },
    };
  }

  /** Damaged live tables may be unable to take an event. That must not keep them from being replaced: they differ, and it shows. */
  private async applyLive(client: ClientBase, events: readonly ProjectedEvent[]): Promise<Applied> {
    await client.query('SAVEPOINT before_live');
    try {
      return await this.live.apply(client, events);
    } catch {
      await client.query('ROLLBACK TO SAVEPOINT before_live');
      return { taken: new Map(), duplicates: 0 };
    }
  }

  private async transaction(work: () => Promise<unknown>): Promise<void> {
    await this.client.query('BEGIN');
    try {
      await work();
      await this.client.query('COMMIT');
    } catch (error) {
      await this.client.query('ROLLBACK').catch(() => undefined);
      throw error;
    }
  }
}

/** Fetches the next batch while this one is being written: the two use different connections, and often different cores. */
async function* oneAhead<Batch>(batches: AsyncIterable<Batch>): AsyncGenerator<Batch> {
  const iterator = batches[Symbol.asyncIterator]();
  let next = iterator.next();
  try {
    for (;;) {
      const { value, done } = await next;
      if (done === true) return;
      next = iterator.next();
      // Whoever stops early never awaits it; a rejection must not end the process.
      next.catch(() => undefined);
      yield value;
    }
  } finally {
    await iterator.return?.();
  }
}
