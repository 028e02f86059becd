import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Module, type DynamicModule, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { CustomTransportStrategy } from '@nestjs/microservices';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { AnsweringAdapter, type Answerer } from './answering-adapter.js';
import { ConfigError } from './config.js';
import { EventLoopLag } from './event-loop-lag.js';
import { serveFailpoints } from './failpoint-control.js';
import { HealthModule, Readiness, type HealthCheck } from './health.js';
import { acceptStrictJson, isStorableText } from './json-body.js';
import { problemOf } from './known-errors.js';
import { NestLogger } from './logger.js';
import { createMetrics, measureHttp, MetricsModule } from './metrics.js';
import { serveOpenApi } from './openapi.js';
import { platformProblem, type ProblemMapper } from './problem.js';
import { ProblemFilter, sendProblem } from './problem.filter.js';
import { admitRequests, type RequestLimits } from './request-admission.js';
import { RouteTable } from './route-table.js';
import { StartWatch } from './start-watch.js';
import { Shutdown, type ShutdownStep } from './shutdown.js';
import { validationPipe } from './validation.js';
import { answerClientError, answerOnTheWire, WIRE_OPTIONS } from './wire-manners.js';

export interface HttpAppOptions {
  /** Short name of the app, as in logs and metrics. */
  readonly name: string;
  readonly description: string;
  readonly version: string;
  readonly logger: Logger;
  /** 0 takes a free one. */
  readonly port: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Serve /openapi.json and /docs. Default true. */
  readonly swagger?: boolean;
  /** Bytes. Default 1 MiB. */
  readonly bodyLimit?: number;
  /** What may be held at once; default REQUEST_LIMITS. */
  readonly limits?: RequestLimits;
  /** What readiness asks, beside "has started, is not stopping, its event loop keeps up". */
  readonly checks?: readonly HealthCheck[];
  /** Errors this app answers in its own way, asked before the platform's table. */
  readonly problems?: ProblemMapper;
  /** A provider of the module that makes answers of what handlers return. Default: they are the answers. */
  readonly answerer?: Type<Answerer>;
  /** Registry served at /metrics; pass your own to add figures to it. */
  readonly metrics?: Registry;
  /** Run in order after readiness went false and before the HTTP server and the microservice close: take no more work. */
  readonly stop?: readonly ShutdownStep[];
  /** Run in order after everything in flight was answered: drain queues, then end pools. */
  readonly close?: readonly ShutdownStep[];
  /** Runs once HTTP listens and before the app reports ready. */
  readonly start?: (app: NestFastifyApplication) => Promise<void>;
  /** FAILPOINTS of the app's configuration (withFailpoints): switches them on and serves their control. Default off. */
  readonly failpoints?: string;
  /**
   * Milliseconds it goes on serving after readiness went false, each answer with `Connection: close`: until whoever spreads the requests
   * has seen that, and sends them elsewhere. Default 0.
   */
  readonly drainMs?: number;
  /** Milliseconds for the whole shutdown, the drain not counted. Default 10 000. */
  readonly shutdownDeadlineMs?: number;
  /** SIGTERM, SIGINT and uncaught errors end the process in order. Default true; false where a test owns the process. */
  readonly handleSignals?: boolean;
}

export interface WorkerAppOptions extends HttpAppOptions {
  /** Its messages are handled by the module's `@EventPattern` methods. */
  readonly strategy?: CustomTransportStrategy;
}

export interface RunningApp {
  readonly app: NestFastifyApplication;
  /** `http://host:port`, the port it really got. */
  readonly url: string;
  /** Ends it in order without ending the process. */
  close(): Promise<void>;
  /** The process cannot go on: logs, ends in order, exit code 1. */
  fail(error: unknown): void;
}

/** Milliseconds connections may stay open once the process closes; shorter than the whole shutdown may take. */
const CONNECTIONS_MS = 5_000;

@Module({})
class AppRoot {}

/**
 * A Nest app on Fastify with the manners all our apps share: problem details for every error, 405 with Allow, strict JSON bodies and a
 * validation pipe, correlation ids (`X-Correlation-Id`, taken or minted, echoed; `request.id`), /health/live, /health/ready, /metrics,
 * OpenAPI, and an ordered shutdown: not ready → drain → `stop` steps → HTTP drained and Nest closed → `close` steps.
 * Listens before `start` runs, so that readiness can be asked while it is still false. When the start fails, everything that was
 * opened is closed and the error is thrown.
 */
export async function startHttpApp(module: Type | DynamicModule, options: HttpAppOptions): Promise<RunningApp> {
  return startWorkerApp(module, options);
}

/** {@link startHttpApp} plus a consumer: `strategy` starts after HTTP listens and stops with the app. */
export async function startWorkerApp(module: Type | DynamicModule, options: WorkerAppOptions): Promise<RunningApp> {
  const { logger, host = '127.0.0.1' } = options;
  const shutdown = new Shutdown({ logger, deadlineMs: (options.shutdownDeadlineMs ?? 10_000) + (options.drainMs ?? 0) });
  const lag = new EventLoopLag();
  const readiness = new Readiness(options.checks ?? [], logger);
  const watch = new StartWatch({ checks: options.checks ?? [], logger });
  const app = await createApp(module, options, readiness, lag);
  shutdown.add(
    { name: 'readiness', run: () => (watch.close(), readiness.stop()) },
    { name: 'drain', run: () => sleep(options.drainMs ?? 0) },
    ...(options.stop ?? []),
    { name: 'http', run: () => closeHttp(app, readiness, logger) },
    ...(options.close ?? []),
    { name: 'event-loop-lag', run: () => lag.close() },
  );
  if (options.handleSignals ?? true) shutdown.listen();
  let port: number;
  try {
    if (options.strategy !== undefined) app.connectMicroservice({ strategy: options.strategy });
    await app.listen(options.port, host);
    // Asked now: a process that is stopped while it starts has no address any more.
    ({ port } = app.getHttpServer().address() as AddressInfo);
    watch.start();
    if (options.strategy !== undefined) await app.startAllMicroservices();
    await options.start?.(app);
  } catch (error) {
    await shutdown.run('start failed');
    throw error;
  }
  readiness.ready();
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  logger.info({ event: 'app.started', url });
  return { app, url, close: async () => void (await shutdown.run('closed')), fail: (error) => shutdown.fail(error) };
}

/**
 * What is under way is answered; a connection on which nothing more is asked ends at once. One that is still open after that time sends
 * its request too slowly, or does not take its answer, and must not keep the steps after this one from running.
 */
async function closeHttp(app: NestFastifyApplication, readiness: Readiness, logger: Logger): Promise<void> {
  readiness.close();
  const cut = setTimeout(() => {
    logger.warn({ event: 'shutdown.connections.cut', afterMs: CONNECTIONS_MS });
    (app.getHttpServer() as Server).closeAllConnections();
  }, CONNECTIONS_MS);
  await app.close().finally(() => clearTimeout(cut));
}

/** Runs an app's main: a configuration problem is told in plain words, any other failure is thrown as it is. */
export function runMain(main: () => Promise<unknown>): void {
  main().catch((error: unknown) => {
    process.stderr.write(error instanceof ConfigError ? `${error.message}\n` : `${(error as Error)?.stack ?? String(error)}\n`);
    process.exit(1);
  });
}

async function createApp(
  module: Type | DynamicModule,
  options: HttpAppOptions,
  readiness: Readiness,
  lag: EventLoopLag,
): Promise<NestFastifyApplication> {
  const { logger } = options;
  const metrics = options.metrics ?? createMetrics(options.name);
  const routes = new RouteTable();
  const bodyLimit = options.bodyLimit ?? 1024 * 1024;
  const adapter = new AnsweringAdapter({
    ...WIRE_OPTIONS,
    bodyLimit,
    routerOptions: { maxParamLength: 256 },
    // Fastify's own 503 is no problem document; applyRequestManners answers one
    return503OnClosing: false,
    genReqId: (request: IncomingMessage) => correlationId(request.headers['x-correlation-id']),
    clientErrorHandler: answerClientError,
    frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) =>
      sendProblem(reply, problemOf(error), request.id),
  });
  const fastify = adapter.getInstance() as unknown as FastifyInstance;
  fastify.addHook('onRoute', (route) => routes.add(route.method, route.url));
  applyRequestManners(fastify, logger, readiness);
  answerOnTheWire(fastify);
  admitRequests(fastify, { bodyLimit, limits: options.limits, failpoints: options.failpoints !== undefined });
  measureHttp(fastify, metrics);
  acceptStrictJson(fastify);
  serveFailpoints(fastify, { spec: options.failpoints, logger });
  const root: DynamicModule = {
    module: AppRoot,
    imports: [HealthModule.register(readiness, lag), MetricsModule.register(metrics), module],
  };
  const app = await NestFactory.create<NestFastifyApplication>(root, adapter, {
    logger: new NestLogger(logger),
    bodyParser: false,
    abortOnError: false,
  });
  if (options.answerer !== undefined) adapter.answerer = app.get(options.answerer, { strict: false });
  app.useGlobalPipes(validationPipe());
  app.useGlobalFilters(new ProblemFilter({ logger, routes, mapper: options.problems }));
  if (options.swagger ?? true) {
    serveOpenApi(app, { title: `Tidemark ${options.name}`, description: options.description, version: options.version });
  }
  return app;
}

function applyRequestManners(fastify: FastifyInstance, logger: Logger, readiness: Readiness): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    void reply.header('X-Correlation-Id', request.id);
    done(readiness.closing ? platformProblem('shutting-down', 'Try again in a moment.', {}, { 'Retry-After': '1' }) : undefined);
  });
  // a connection kept alive past the answer would hold up the server's end until it times out
  fastify.addHook('onSend', (_request, reply, _payload, done) => {
    if (readiness.leaving) void reply.header('Connection', 'close');
    done();
  });
  fastify.addHook('preValidation', (request, _reply, done) => {
    const texts = [...Object.values(request.params ?? {}), ...Object.values(request.query ?? {})].flat();
    const clean = texts.every((text) => typeof text !== 'string' || isStorableText(text));
    done(clean ? undefined : platformProblem('malformed-request', 'The address has a NUL character or half a surrogate pair.'));
  });
  fastify.addHook('onResponse', (request, reply, done) => {
    if (!logger.isLevelEnabled('debug')) return done();
    logger.debug({
      event: 'http.request.completed',
      method: request.method,
      route: request.routeOptions.url,
      status: reply.statusCode,
      durationMs: Math.round(reply.elapsedTime * 10) / 10,
      correlationId: request.id,
    });
    done();
  });
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;

/** The client's when it is a UUID, otherwise a new one. */
function correlationId(given: string | string[] | undefined): string {
  return typeof given === 'string' && UUID.test(given) ? given.toLowerCase() : randomUUID();
}
