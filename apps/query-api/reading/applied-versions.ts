import { In, type DataSource } from 'typeorm';
import { ProjectionPositionRow } from '#read-models';
import type { AppliedVersions } from './projection-waiter.js';

/** Heads of streams in the event store. */
export interface StreamHeads {
  head(streamId: string): Promise<number>;
}

/** Where each source stands: a read model by the positions its projector wrote with its effects, the event store by its own heads. */
export function appliedVersions(dataSource: DataSource, heads: StreamHeads): AppliedVersions {
  const positions = dataSource.getRepository(ProjectionPositionRow);
  return async (source, streamIds) => {
    if (source === 'event-store') {
      return new Map(await Promise.all(streamIds.map(async (id): Promise<[string, number]> => [id, await heads.head(id)])));
    }
    const rows = await positions.find({ where: { projection: source, streamId: In([...streamIds]) } });
    return new Map(rows.map(({ streamId, version }) => [streamId, version]));
  };
}
