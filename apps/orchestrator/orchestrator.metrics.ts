import { looked, setKnown, type HealthCheck } from '#platform';
import { Gauge, type Registry } from 'prom-client';
import type { FulfilmentWork } from './fulfilment-work.js';

export interface OrchestratorMetricsOptions {
  readonly registry: Registry;
  readonly work: Pick<FulfilmentWork, 'backlog' | 'parkedFigures'>;
  /** Whether calls to the gateway are held back, and actions taken and not finished. */
  readonly gateway: () => { readonly circuit: 'open' | 'closed'; readonly actions: number };
}

/** Figures of the sagas that are not over. */
export function orchestratorMetrics({ registry, work, gateway }: OrchestratorMetricsOptions): void {
  const registers = [registry];
  const backlog = looked(() => work.backlog());
  const parked = looked(() => work.parkedFigures());
  new Gauge({
    name: 'tidemark_fulfilments_open',
    help: 'Fulfilments that owe an action: under way, between two attempts at the gateway, or waiting for an operator.',
    labelNames: ['state'],
    registers,
    async collect() {
      const now = await backlog();
      if (now === undefined) return this.reset();
      this.set({ state: 'running' }, now.open - now.parked - now.waiting);
      this.set({ state: 'waiting' }, now.waiting);
      this.set({ state: 'parked' }, now.parked);
    },
  });
  new Gauge({
    name: 'tidemark_fulfilments_overdue_seconds',
    help: 'By how much the action that is most overdue is late.',
    registers,
    async collect() {
      setKnown(this, (await backlog())?.overdueSeconds);
    },
  });
  new Gauge({
    name: 'tidemark_gateway_circuit_open',
    help: '1 while calls to the payment gateway are held back because too many failed in a row.',
    registers,
    collect() {
      this.set(gateway().circuit === 'open' ? 1 : 0);
    },
  });
  new Gauge({
    name: 'tidemark_gateway_actions',
    help: 'Actions at the payment gateway, or waiting for it, in this process.',
    registers,
    collect() {
      this.set(gateway().actions);
    },
  });
  new Gauge({
    name: 'tidemark_fulfilments_parked',
    help: 'Fulfilments that wait for an operator, by reason.',
    labelNames: ['code'],
    registers,
    async collect() {
      const now = await parked();
      this.reset();
      for (const [code, count] of Object.entries(now?.byCode ?? {})) this.set({ code }, count);
    },
  });
  new Gauge({
    name: 'tidemark_fulfilments_parked_oldest_seconds',
    help: 'How long the fulfilment that waits longest for an operator has waited.',
    registers,
    async collect() {
      setKnown(this, (await parked())?.oldestSeconds);
    },
  });
}

/** What is parked waits for a person and is no reason to take the orchestrator away: it runs all the others. */
export function parkedCheck(work: Pick<FulfilmentWork, 'parkedFigures'>): HealthCheck {
  return {
    name: 'parked',
    check: async () => {
      const figures = await work.parkedFigures();
      return figures.parked === 0 ? { ...figures } : { ...figures, degraded: `${figures.parked} fulfilments wait for an operator` };
    },
  };
}
