import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { failpoints } from '#failpoints';
import { ConfigError, databaseUrl, loadConfig, withFailpoints } from '#platform';
import { z } from 'zod';

const schema = withFailpoints(
  z.object({
    DATABASE_URL: databaseUrl.optional(),
    /** Where a stack that was started from this folder writes what listens where. */
    TIDEMARK_STATE_DIR: z.string().default('.tidemark'),
  }),
);

/** Environment first, then the stack that runs here; failpoints are armed as it says. @throws ConfigError when there is neither */
export function databaseToRebuild(env?: Readonly<Record<string, string | undefined>>): string {
  const { DATABASE_URL, TIDEMARK_STATE_DIR, FAILPOINTS } = loadConfig(schema, env);
  if (FAILPOINTS !== undefined) failpoints.arm(FAILPOINTS);
  if (DATABASE_URL !== undefined) return DATABASE_URL;
  const file = join(TIDEMARK_STATE_DIR, 'stack.json');
  if (!existsSync(file)) throw new ConfigError([`no stack is running here (there is no ${file}): start one, or set DATABASE_URL`]);
  return z.object({ databaseUrl }).parse(JSON.parse(readFileSync(file, 'utf8'))).databaseUrl;
}
