import type { ClientBase } from 'pg';

/** Last applied version of each stream, by projection. */
export type Positions = ReadonlyMap<string, ReadonlyMap<string, number>>;

/** The checkpoints of projections, in the same database as their effects and written in the same transaction. */
export class ProjectionPositions {
  private readonly table: string;

  constructor(schema: string) {
    this.table = `${schema}.projection_positions`;
  }

  async load(client: ClientBase, projections: readonly string[], streamIds: readonly string[]): Promise<Positions> {
    const { rows } = await client.query<[string, string, number], unknown[]>({
      name: `load ${this.table}`,
      text: `SELECT projection, stream_id, version FROM ${this.table} WHERE projection = ANY($1) AND stream_id = ANY($2)`,
      values: [projections, streamIds],
      rowMode: 'array',
    });
    const positions = new Map(projections.map((projection) => [projection, new Map<string, number>()]));
    for (const [projection, streamId, version] of rows) positions.get(projection)!.set(streamId, version);
    return positions;
  }

  async save(client: ClientBase, reached: Positions): Promise<void> {
    const projections: string[] = [];
    const streamIds: string[] = [];
    const versions: number[] = [];
    for (const [projection, streams] of reached) {
      for (const [streamId, version] of streams) {
        projections.push(projection);
        streamIds.push(streamId);
        versions.push(version);
      }
    }
    if (versions.length === 0) return;
    await client.query({
      name: `save ${this.table}`,
      text: `INSERT INTO ${this.table} AS known (projection, stream_id, version)
        SELECT * FROM unnest($1::text[], $2::text[], $3::integer[])
        ON CONFLICT (projection, stream_id) DO UPDATE SET version = excluded.version`,
      values: [projections, streamIds, versions],
    });
  }
}
