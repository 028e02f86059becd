import { createLogger, host, loadConfig, logLevel, port, runMain, serveFailpoints, withFailpoints } from '#platform';
import { z } from 'zod';
import { createGateway } from './gateway-server.js';

const schema = withFailpoints(
  z.object({
    PORT: port,
    HOST: host,
    LOG_LEVEL: logLevel,
    /** File of the gateway's own book. */
    GATEWAY_BOOK: z.string().min(1),
  }),
);

runMain(async () => {
  const config = loadConfig(schema);
  const logger = createLogger({ app: 'gateway', level: config.LOG_LEVEL });
  const { app, failed } = await createGateway(config.GATEWAY_BOOK);
  serveFailpoints(app, { spec: config.FAILPOINTS, logger });
  const url = await app.listen({ port: config.PORT, host: config.HOST });
  logger.info({ event: 'app.started', url });

  let ending = false;
  const end = (code: number, reason: string): void => {
    if (ending) return;
    ending = true;
    logger.info({ event: 'shutdown.started', reason });
    // Delayed answers may be outstanding for minutes: they are cut off, their work is in the book.
    setTimeout(() => process.exit(code), 2_000).unref();
    app.close().then(
      () => process.exit(code),
      () => process.exit(1),
    );
  };
  process.on('SIGTERM', () => end(0, 'SIGTERM'));
  process.on('SIGINT', () => end(0, 'SIGINT'));
  failed.catch((err: unknown) => {
    logger.fatal({ event: 'gateway.book.failed', err });
    end(1, 'book failed');
  });
});
