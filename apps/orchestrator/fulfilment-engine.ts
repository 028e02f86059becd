import { upcasters } from '#domain';
import { EventReader, EventStore, Upcasters } from '#event-store';
import type { OutboxNotifier } from '#outbox';
import type { Logger } from '#platform';
import type { Pool } from 'pg';
import { Admission } from './admission.js';
import { createLoaders, dueSnapshots, type FulfilmentLoaders } from './fulfilment-loaders.js';
import { FulfilmentRunner } from './fulfilment-runner.js';
import { FulfilmentWork } from './fulfilment-work.js';
import { GatewayClient } from './gateway-client.js';
import { GatewayDispatcher } from './gateway-dispatcher.js';
import type { GatewayHttp } from './gateway-http.js';
import type { OrchestratorConfig } from './orchestrator.config.js';
import { OverdueWork } from './overdue-work.js';

interface EngineOptions {
  readonly pool: Pool;
  readonly notifier: OutboxNotifier;
  readonly config: Pick<OrchestratorConfig, 'GATEWAY_URL' | 'GATEWAY_TIMEOUT_MS' | 'GATEWAY_CONCURRENCY' | 'ACTION_LEASE_MS'> &
    Partial<Pick<OrchestratorConfig, 'MAX_ACTIONS_IN_MEMORY'>>;
  readonly logger: Logger;
  /** Where it is not the network, as in a simulation. */
  readonly gatewayHttp?: GatewayHttp;
  /** Most streams of one kind kept in memory. Default 20,000. */
  readonly mostStreams?: number;
}

/**
 * The saga's moving parts, wired: admission (holds back what there is no room for), runner (decides and commits), dispatcher (talks to
 * the gateway), overdue work (picks up what was lost).
 */
export class FulfilmentEngine {
  readonly admission: Admission;
  readonly runner: FulfilmentRunner;
  readonly work: FulfilmentWork;
  readonly loaders: FulfilmentLoaders;
  readonly store: EventStore;
  readonly dispatcher: GatewayDispatcher;
  /** `open` while calls to the gateway are held back. */
  circuit: 'open' | 'closed' = 'closed';
  private readonly gateway: GatewayClient;
  private readonly overdue: OverdueWork;

  constructor({ pool, notifier, config, logger, gatewayHttp, mostStreams }: EngineOptions) {
    const leaseMs = config.ACTION_LEASE_MS;
    this.store = new EventStore({ pool });
    this.loaders = createLoaders(new EventReader({ pool, upcasters: new Upcasters(upcasters) }), mostStreams);
    this.work = new FulfilmentWork(pool);
    this.gateway = new GatewayClient({
      url: config.GATEWAY_URL,
      timeoutMs: config.GATEWAY_TIMEOUT_MS,
      concurrency: config.GATEWAY_CONCURRENCY,
      http: gatewayHttp,
      onCircuit: (state) => {
        this.circuit = state;
        logger.warn({ event: `gateway.circuit.${state}` });
      },
    });
    this.admission = new Admission({
      maxActions: config.MAX_ACTIONS_IN_MEMORY ?? 2_000,
      actions: () => this.dispatcher.load,
    });
    this.runner = new FulfilmentRunner({
      pool,
      store: this.store,
      loaders: this.loaders,
      work: this.work,
      leaseMs,
      logger,
      onCommitted: () => {
        notifier.notify();
        this.saveSnapshots(logger);
      },
      onDispatch: (dispatch) => this.dispatcher.dispatch(dispatch),
    });
    this.dispatcher = new GatewayDispatcher({
      gateway: this.gateway,
      work: this.work,
      concurrency: config.GATEWAY_CONCURRENCY,
      leaseMs,
      logger,
      onFinished: () => this.admission.look(),
      onOutcome: async ({ fulfilment, correlationId, causationId }, input) => {
        await this.runner.submit(fulfilment.orderId, input, {
          correlationId,
          causationId,
          actor: 'system:orchestrator',
          traceparent: null,
        });
      },
    });
    this.overdue = new OverdueWork({
      pool,
      work: this.work,
      loaders: this.loaders,
      runner: this.runner,
      dispatcher: this.dispatcher,
      admission: this.admission,
      leaseMs,
      logger,
    });
  }

  start(): void {
    this.overdue.start();
  }

  /** Takes nothing new, lets what is at the gateway come back and be recorded, then decides no more. */
  async stop(): Promise<void> {
    this.admission.close();
    await this.overdue.stop();
    await this.dispatcher.stop();
    await this.runner.stop();
    await this.gateway.close();
  }

  private saveSnapshots(logger: Logger): void {
    const due = dueSnapshots(this.loaders);
    this.store.saveSnapshots(due).catch((error: unknown) => {
      // Only costs reading: the next load folds more events.
      logger.warn({ event: 'snapshot.not-saved', count: due.length, err: error });
    });
  }
}
