import { migrate } from './migrate.js';

/** `node dist/migrations/run.js`: brings the database at DATABASE_URL up to date. Exits 1 when it cannot. */
const databaseUrl = process.env.DATABASE_URL;
if (databaseUrl === undefined || databaseUrl === '') {
  console.error('DATABASE_URL is not set.');
  process.exit(1);
}
try {
  const count = await migrate({ databaseUrl, onMigrated: (name) => console.log(`migrated ${name}`) });
  console.log(count === 0 ? 'The database is up to date.' : `${count} migrations carried out.`);
} catch (error) {
  console.error('The migrations failed:', error);
  process.exit(1);
}
