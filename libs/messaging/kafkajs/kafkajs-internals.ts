import { createRequire } from 'node:module';

const PATCHED_VERSION = '2.2.4';

/**
 * Loads kafkajs's own modules, for a patch of them. Throws when kafkajs is not the version our patches were written for: one that no
 * longer fits must not go unnoticed.
 */
export function kafkaJsInternals(patch: string): NodeJS.Require {
  const require = createRequire(import.meta.url);
  const { version } = require('kafkajs/package.json') as { version: string };
  if (version !== PATCHED_VERSION) throw new Error(`the ${patch} patch is for kafkajs ${PATCHED_VERSION}, found ${version}`);
  return require;
}
