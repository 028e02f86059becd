import 'reflect-metadata';
import { createLogger, runMain } from '#platform';
import { startQueryApi } from './query-api.js';
import { loadQueryApiConfig } from './query-api.config.js';

runMain(async () => {
  const config = loadQueryApiConfig();
  await startQueryApi(config, createLogger({ app: 'query-api', level: config.LOG_LEVEL }));
});
