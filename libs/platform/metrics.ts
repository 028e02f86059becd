import { Controller, Get, Inject, Module, Res, type DynamicModule } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { collectDefaultMetrics, type Gauge, Histogram, Registry } from 'prom-client';

/**
 * A registry of this app's own (prom-client's global one would clash when several apps share a test process), with Node's figures.
 * Names start with `tidemark_`; libraries take the registry as an option.
 */
export function createMetrics(app: string): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ app });
  // 100 ms instead of 10: an idle process should be idle
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 100 });
  return registry;
}

/** Measures every answered request by route pattern (never by address: ids would make a series each). */
export function measureHttp(fastify: FastifyInstance, registry: Registry): void {
  const seconds = new Histogram({
    name: 'tidemark_http_request_duration_seconds',
    help: 'Time from a request to the end of its answer.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers: [registry],
  });
  fastify.addHook('onResponse', (request, reply, done) => {
    const route = request.is404 ? 'none' : (request.routeOptions.url ?? 'none');
    seconds.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1000);
    done();
  });
}

@ApiTags('operations')
@Controller('metrics')
export class MetricsController {
  constructor(@Inject(Registry) private readonly registry: Registry) {}

  @Get()
  @ApiOperation({ summary: 'Figures for Prometheus.' })
  @ApiResponse({ status: 200, description: 'Text exposition format.', content: { 'text/plain': { schema: { type: 'string' } } } })
  async metrics(@Res() reply: FastifyReply): Promise<void> {
    void reply.header('content-type', this.registry.contentType).send(await this.registry.metrics());
  }
}

@Module({})
export class MetricsModule {
  static register(registry: Registry): DynamicModule {
    return { module: MetricsModule, controllers: [MetricsController], providers: [{ provide: Registry, useValue: registry }] };
  }
}

/** A scrape waits no longer for a figure, milliseconds. */
const PATIENCE_MS = 2_000;
/** So long one look serves all figures, milliseconds: those of one scrape. */
const FRESH_MS = 1_000;

/**
 * A look at something for the `collect` of figures: shared by those of one scrape, and undefined while it fails or hangs. Without that,
 * one database that is away would take every other figure of the process with it, when they are wanted most.
 */
export function looked<T>(look: () => Promise<T>): () => Promise<T | undefined> {
  let last: { readonly at: number; readonly result: Promise<T | undefined> } | undefined;
  return () => {
    if (last === undefined || performance.now() - last.at > FRESH_MS) last = { at: performance.now(), result: inTime(look) };
    return last.result;
  };
}

/** Shows the value, or none while it is not known. */
export function setKnown(gauge: Gauge, value: number | undefined): void {
  if (value === undefined) gauge.remove();
  else gauge.set(value);
}

async function inTime<T>(look: () => Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<undefined>((resolve) => (timer = setTimeout(resolve, PATIENCE_MS, undefined)));
  try {
    return await Promise.race([look().catch(() => undefined), patience]);
  } finally {
    clearTimeout(timer);
  }
}
