import { Controller, Get, Header, HttpCode, Inject, Module, Res, type DynamicModule } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { HealthCheckService, HealthIndicatorService, TerminusModule, type HealthCheckResult } from '@nestjs/terminus';
import type { FastifyReply } from 'fastify';
import type { Logger } from 'pino';
import { EventLoopLag } from './event-loop-lag.js';

/**
 * One thing the process needs in order to serve. Throws when it is not there; what it answers is shown to operators. With `degraded`
 * in its answer, which says why, it serves and somebody should look: readiness stays 200, because taking the process away mends nothing.
 */
export interface HealthCheck {
  readonly name: string;
  check(): Promise<Record<string, unknown> | void> | Record<string, unknown> | void;
}

/** Milliseconds a check may take before it counts as failed. */
const CHECK_TIMEOUT_MS = 2_000;

/** Whether the process wants work: not before it has started, not once it is stopping. While it closes it answers nothing any more. */
export class Readiness {
  private state: 'starting' | 'ready' | 'stopping' | 'closing' = 'starting';

  constructor(
    readonly checks: readonly HealthCheck[],
    readonly logger: Logger,
  ) {}

  ready(): void {
    if (this.state === 'starting') this.state = 'ready';
  }
  stop(): void {
    this.state = 'stopping';
  }

  close(): void {
    this.state = 'closing';
  }
  /** Whoever is connected should go elsewhere. */
  get leaving(): boolean {
    return this.state === 'stopping' || this.state === 'closing';
  }

  get closing(): boolean {
    return this.state === 'closing';
  }

  /** Throws unless ready. */
  assert(): Record<string, unknown> {
    if (this.state !== 'ready') throw new Error(this.state);
    return {};
  }
}

const HEALTH_SCHEMA = {
  type: 'object',
  required: ['status', 'details'],
  properties: {
    status: { type: 'string', enum: ['ok', 'degraded', 'error', 'shutting_down'] },
    info: { type: 'object', additionalProperties: true },
    error: { type: 'object', additionalProperties: true },
    details: {
      type: 'object',
      additionalProperties: {
        type: 'object',
        required: ['status'],
        properties: { status: { type: 'string', enum: ['up', 'down', 'degraded'] } },
        additionalProperties: true,
      },
    },
  },
};

@ApiTags('operations')
@Controller('health')
export class HealthController {
  private lastOutcome = '';

  constructor(
    private readonly health: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    @Inject(Readiness) private readonly readiness: Readiness,
    @Inject(EventLoopLag) private readonly lag: EventLoopLag,
  ) {}

  @Get('live')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'Is the process alive?', description: 'Asks nothing else, so that a dead database restarts no app.' })
  @ApiResponse({ status: 200, description: 'It is.', content: { 'application/json': { schema: HEALTH_SCHEMA as never } } })
  live(): { status: 'ok'; details: object } {
    return { status: 'ok', details: {} };
  }

  @Get('ready')
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'Can it serve?', description: 'Runs every check of this app, each with two seconds at most.' })
  @ApiResponse({ status: 200, description: 'It can.', content: { 'application/json': { schema: HEALTH_SCHEMA as never } } })
  @ApiResponse({
    status: 503,
    description: 'It cannot; `error` says why.',
    content: { 'application/json': { schema: HEALTH_SCHEMA as never } },
  })
  async ready(@Res({ passthrough: true }) reply: FastifyReply): Promise<unknown> {
    const result = await this.run();
    reply.code(result.status === 'ok' || result.status === 'degraded' ? 200 : 503);
    return result;
  }

  private async run(): Promise<HealthCheckResult> {
    const checks: HealthCheck[] = [
      { name: 'process', check: () => this.readiness.assert() },
      { name: 'eventLoop', check: () => this.lag.assert() },
      ...this.readiness.checks,
    ];
    let result: HealthCheckResult;
    try {
      result = await this.health.check(
        checks.map((each) => async () => {
          const session = this.indicators.check(each.name);
          const result = await session.attempt(async () => each.check()).withTimeout(CHECK_TIMEOUT_MS);
          const { status, ...details } = result[each.name] as { status: string; degraded?: unknown };
          return status === 'up' && details.degraded !== undefined ? session.degraded(details) : result;
        }),
      );
    } catch (refusal) {
      result = (refusal as { getResponse(): HealthCheckResult }).getResponse();
    }
    const failing = Object.keys(result.error ?? {}).join(',');
    const degraded = Object.entries(result.details)
      .filter(([, { status }]) => (status as string) === 'degraded')
      .map(([name]) => name)
      .join(',');
    const outcome = `${result.status} ${failing} ${degraded}`;
    if (outcome !== this.lastOutcome) {
      this.readiness.logger.info({ event: 'health.changed', status: result.status, failing, degraded });
      this.lastOutcome = outcome;
    }
    return result;
  }
}

/** Liveness and readiness for every app; startHttpApp adds it, apps only name their checks. */
@Module({})
export class HealthModule {
  static register(readiness: Readiness, lag: EventLoopLag): DynamicModule {
    return {
      module: HealthModule,
      imports: [TerminusModule.forRoot({ logger: false, errorLogStyle: 'json' })],
      controllers: [HealthController],
      providers: [
        { provide: Readiness, useValue: readiness },
        { provide: EventLoopLag, useValue: lag },
      ],
    };
  }
}
