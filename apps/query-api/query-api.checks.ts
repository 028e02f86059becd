import type { Pool } from 'pg';
import type { DataSource } from 'typeorm';
import type { HealthCheck } from '#platform';
import { PROJECTION_NAMES } from '#read-models';
import type { ProjectionLag } from './reading/projection-lag.js';

interface Parts {
  readonly dataSource: DataSource;
  readonly pool: Pool;
  readonly lag: ProjectionLag;
}

/** What readiness asks. Lag is told and never failed: an answer that says how old it is beats none. */
export const queryApiChecks = ({ dataSource, pool, lag }: Parts): HealthCheck[] => [
  { name: 'database', check: async () => void (await pool.query('SELECT 1')) },
  { name: 'migrations', check: () => requireTables(dataSource) },
  {
    name: 'projections',
    check: async () => Object.fromEntries(await Promise.all(PROJECTION_NAMES.map(async (name) => [name, await lag.of(name)] as const))),
  },
];

/** Every table that queries name must be there: a build that runs ahead of its migrations must not take traffic. */
async function requireTables(dataSource: DataSource): Promise<Record<string, unknown>> {
  const wanted = [
    ...dataSource.entityMetadatas.map(({ tablePath }) => tablePath),
    'tidemark.events',
    'tidemark.streams',
    'tidemark.commands',
  ];
  const missing = (await dataSource.query('SELECT name FROM unnest($1::text[]) AS wanted (name) WHERE to_regclass(name) IS NULL', [
    wanted,
  ])) as { name: string }[];
  if (missing.length > 0) throw new Error(`run the migrations: ${missing.map(({ name }) => name).join(', ')} missing`);
  return { tables: wanted.length };
}
