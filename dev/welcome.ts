import type { Progress } from './progress.js';
import type { SampleResult } from './sample-orders.js';
import type { StackConfig } from './stack-config.js';
import type { Stack } from './stack.js';

/** One line about a sample order. */
export function tellSample({ story, status, because, durationMs, orderId, asExpected }: SampleResult): string {
  const end = because === '' ? status : `${status} (${because})`;
  const doubt = asExpected ? '' : '   not what was expected: see the logs';
  return `    ${story.padEnd(18)}${end.padEnd(44)}${`${Math.round(durationMs)} ms`.padStart(9)}   ${orderId}${doubt}`;
}

/** Where everything is, and one line to try for each kind of user. */
export function introduce(stack: Stack, config: StackConfig, progress: Progress, sampleOrderId: string, took: string): void {
  const { commandApi, queryApi, orchestrator, relay, projector, gateway } = stack.urls;
  const { databaseUrl, kafkaBrokers } = stack.environment;
  const order = JSON.stringify({
    customer: { id: 'c-1' },
    currency: 'GBP',
    lines: [{ sku: 'MUG-BLUE', quantity: 1, unitPrice: 425 }],
    paymentToken: 'tok_ok',
  });
  progress.say(`
  Tidemark is up after ${took}.

    commands     ${commandApi}      API at ${commandApi}/docs
    queries      ${queryApi}      API at ${queryApi}/docs
    operators    ${orchestrator}      sagas that wait for a decision; API at ${orchestrator}/docs
    relay        ${relay}      dead letters of the outbox; API at ${relay}/docs
    projector    ${projector}      dead letters of the read side; API at ${projector}/docs
    gateway      ${gateway}      the simulator; its book at ${gateway}/book
    PostgreSQL   ${withoutPassword(databaseUrl)}
    Kafka        ${kafkaBrokers.join(', ')}
    state, logs  ${config.stateDir}

  A REST client places an order:
    curl -i ${commandApi}/orders -H 'Content-Type: application/json' -H 'Idempotency-Key: my-first-order' -d '${order}'
  A dashboard asks how trade goes:
    curl '${queryApi}/overview'
  An auditor reads the whole history of one order:
    curl '${queryApi}/audit/streams/order-${sampleOrderId}/events'
  An operator looks for what is stuck:
    curl '${orchestrator}/fulfilments/parked'`);
}

function withoutPassword(address: string): string {
  const url = new URL(address);
  if (url.password !== '') url.password = '***';
  return url.href;
}
