import type { AppliedVersions } from './projection-waiter.js';
import type { ReadStatements } from './read-statements.js';

/** Heads of streams in the event store. */
export interface StreamHeads {
  head(streamId: string): Promise<number>;
}

const APPLIED = 'SELECT stream_id, version FROM read.projection_positions WHERE projection = $1 AND stream_id = ANY($2)';

/** Where each source stands: a read model by the positions its projector wrote with its effects, the event store by its own heads. */
export function appliedVersions(statements: Pick<ReadStatements, 'rows'>, heads: StreamHeads): AppliedVersions {
  return async (source, streamIds) => {
    if (source === 'event-store') {
      return new Map(await Promise.all(streamIds.map(async (id): Promise<[string, number]> => [id, await heads.head(id)])));
    }
    const rows = await statements.rows<{ stream_id: string; version: number }>(APPLIED, [source, streamIds]);
    return new Map(rows.map(({ stream_id: streamId, version }) => [streamId, version]));
  };
}
