import 'reflect-metadata';
import { createLogger, runMain } from '#platform';
import { startProjector } from './projector-app.js';
import { projectorConfig } from './projector.config.js';

runMain(async () => {
  const config = projectorConfig();
  await startProjector({ config, logger: createLogger({ app: 'projector', level: config.LOG_LEVEL }) });
});
