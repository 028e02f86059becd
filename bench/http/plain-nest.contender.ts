import 'reflect-metadata';
import { createHash } from 'node:crypto';
import { Body, Controller, Headers, HttpCode, Inject, Module, Post, ValidationPipe, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Command, CommandBus, CommandHandler, CqrsModule, type ICommandHandler } from '@nestjs/cqrs';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { DataSource } from 'typeorm';
import type { AppendRequest } from '#event-store';
import { newId } from '#platform';
import { PlaceOrderRequest } from '../../apps/command-api/orders/order.requests.js';
import { ENTITIES, insertRows } from '../append/typeorm-rows.js';
import type { Contender } from '../harness/contender.js';

export interface PlainNestSettings {
  readonly port: number;
  /** With TypeORM, a transaction for each request; without one there is no store at all. */
  readonly databaseUrl?: string;
}

type Save = (request: AppendRequest) => Promise<void>;
const SAVE = Symbol('save');

class PlaceOrder extends Command<object> {
  constructor(
    readonly request: PlaceOrderRequest,
    readonly idempotencyKey: string,
  ) {
    super();
  }
}

@CommandHandler(PlaceOrder)
class PlaceOrderHandler implements ICommandHandler<PlaceOrder> {
  constructor(@Inject(SAVE) private readonly save: Save | undefined) {}

  async execute({ request, idempotencyKey }: PlaceOrder): Promise<object> {
    const orderId = newId();
    const { currency, lines } = request;
    const total = lines.reduce((sum, { quantity, unitPrice }) => sum + quantity * unitPrice, 0);
    const answer = { orderId, status: 'placed', total, currency, version: 1 };
    await this.save?.(appendOf(request, total, answer, idempotencyKey));
    return answer;
  }
}

@Controller('orders')
class OrdersController {
  constructor(@Inject(CommandBus) private readonly bus: CommandBus) {}

  @Post()
  @HttpCode(201)
  place(@Body() request: PlaceOrderRequest, @Headers('idempotency-key') idempotencyKey: string): Promise<object> {
    return this.bus.execute(new PlaceOrder(request, idempotencyKey));
  }
}

@Module({})
class PlainModule {
  static of(save: Save | undefined): DynamicModule {
    return {
      module: PlainModule,
      imports: [CqrsModule.forRoot()],
      controllers: [OrdersController],
      providers: [{ provide: SAVE, useValue: save }, PlaceOrderHandler],
    };
  }
}

/** What a team on Nest and Fastify writes: class-validator on the same request class, the command bus, and a handler. */
export async function open({ port, databaseUrl }: PlainNestSettings): Promise<Contender> {
  const source = databaseUrl === undefined ? undefined : await typeorm(databaseUrl);
  const save: Save | undefined = source && ((request) => source.transaction((manager) => insertRows(manager, request)));
  const app = await NestFactory.create<NestFastifyApplication>(PlainModule.of(save), new FastifyAdapter(), { logger: false });
  app.useGlobalPipes(new ValidationPipe({ transform: true, whitelist: true, forbidNonWhitelisted: true }));
  await app.listen(port, '127.0.0.1');
  return {
    round: () => Promise.reject(new Error('a server is asked over HTTP')),
    close: async () => {
      await app.close();
      await source?.destroy();
    },
  };
}

async function typeorm(databaseUrl: string): Promise<DataSource> {
  const source = new DataSource({ type: 'postgres', url: databaseUrl, entities: ENTITIES, poolSize: 10 });
  return await source.initialize();
}

/** The rows that Tidemark writes for the same order. */
function appendOf(request: PlaceOrderRequest, total: number, answer: { orderId: string }, idempotencyKey: string): AppendRequest {
  const commandId = newId();
  const correlationId = newId();
  const { orderId } = answer;
  const { reference = null, customer, currency, lines, paymentToken, placedAt } = request;
  const data = {
    orderId,
    reference,
    customer: { ...customer },
    currency,
    lines: lines.map((line, index) => ({ lineNo: index + 1, ...line })),
    total,
    paymentToken,
  };
  const occurredAt = placedAt ?? new Date().toISOString();
  return {
    writes: [
      {
        streamId: `order-${orderId}`,
        expectedVersion: 0,
        events: [{ id: newId(), type: 'OrderPlaced', schemaVersion: 1, data, occurredAt }],
      },
    ],
    metadata: { correlationId, causationId: commandId, actor: 'anonymous', commandId, traceparent: null },
    command: {
      id: commandId,
      name: 'PlaceOrder',
      idempotencyKey,
      fingerprint: createHash('sha256').update(JSON.stringify(request)).digest('base64url'),
      answer: { status: 201, headers: { etag: '"1"', location: `/orders/${orderId}` }, body: answer },
    },
  };
}
