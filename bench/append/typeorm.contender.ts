import 'reflect-metadata';
import { DataSource } from 'typeorm';
import { closedLoop, type Contender } from '../harness/contender.js';
import { appendRequest, type AppendLoad } from './append-load.js';
import { ENTITIES, insertRows } from './typeorm-rows.js';

/** What a team on TypeORM writes: a transaction for each request, its rows of the same tables inserted through the entity manager. */
export async function open({ databaseUrl }: { readonly databaseUrl: string }): Promise<Contender<AppendLoad>> {
  const source = new DataSource({ type: 'postgres', url: databaseUrl, entities: ENTITIES, poolSize: 10 });
  await source.initialize();
  return {
    round: (load) => closedLoop(load.inFlight, load.ms, () => source.transaction((manager) => insertRows(manager, appendRequest(load)))),
    close: () => source.destroy(),
  };
}
