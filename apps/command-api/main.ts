import { createLogger, runMain } from '#platform';
import { commandApiConfig } from './command-api.config.js';
import { startCommandApi } from './command-api.js';

runMain(async () => {
  const config = commandApiConfig();
  await startCommandApi({ config, logger: createLogger({ app: 'command-api', level: config.LOG_LEVEL }) });
});
