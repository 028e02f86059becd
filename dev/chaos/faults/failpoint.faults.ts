import { FAILPOINTS, type FailpointName } from '#failpoints';
import { instanceNamed, instancesOf, type DoubledApp } from '../stack/instance.js';
import type { Hit, Stage } from '../stack/recovery.js';
import type { FaultContext, FaultKind, Injection } from './fault.js';

const STAGE: Readonly<Record<DoubledApp | 'gateway', Stage>> = {
  'command-api': 'commands',
  relay: 'publishing',
  orchestrator: 'fulfilment',
  projector: 'projection',
  'query-api': 'queries',
  gateway: 'gateway',
};

const NAMES = Object.keys(FAILPOINTS) as FailpointName[];
/** The rebuild runs in a process of its own. */
const namesOf = (app: string): FailpointName[] =>
  NAMES.filter((name) => name.startsWith(`${app}.`) && !name.startsWith('projector.rebuild'));

/** One or two places of a running process are armed, to die, throw or stall at one of the next hits. */
const failpoint = (app: Exclude<DoubledApp, 'query-api'>): FaultKind => ({
  kind: `failpoint in ${app}`,
  targets: instancesOf(app).map(({ name }) => name),
  holdMs: [2_000, 5_000],
  weight: 2,
  needs: 'failpoints',
  inject: (context) => {
    const { stack, target, random } = context;
    const instance = instanceNamed(target);
    const spec = [random.of(namesOf(app))]
      .map((name) => `${name}=${anyAction(random)}@${random.between(1, 20)}x${random.between(1, 4)}`)
      .join(';');
    return armed(context, stack.urlOf(app, instance.replica), spec, { instances: [instance], stages: [STAGE[app]] });
  },
});

/** What a payment provider does: 500s, no answer for long, no answer at all, look-ups that deny what was charged. */
const gatewayMood = (kind: string, spec: (random: FaultContext['random']) => string, holdMs: FaultKind['holdMs']): FaultKind => ({
  kind: `gateway ${kind}`,
  targets: ['gateway'],
  holdMs,
  needs: 'failpoints',
  inject: (context) =>
    armed(context, context.stack.urlOf('gateway'), spec(context.random), {
      instances: instancesOf('orchestrator'),
      stages: ['gateway', 'fulfilment'],
    }),
});

async function armed({ signal }: FaultContext, url: string, spec: string, hit: Hit): Promise<Injection> {
  const control = async (method: 'PUT' | 'DELETE', body?: object): Promise<number> => {
    const response = await fetch(`${url}/failpoints`, {
      method,
      ...(body !== undefined && { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }),
      signal: AbortSignal.any([AbortSignal.timeout(3_000), signal]),
    });
    await response.body?.cancel();
    return response.status;
  };
  const status = await control('PUT', { spec });
  if (status >= 300) throw new Error(`${url} does not arm ${spec}: ${status}`);
  return {
    // A process that died of it has forgotten it; one that does not answer now will be asked again by the next fault.
    heal: async () => void (await control('DELETE').catch(() => undefined)),
    hit,
    note: spec,
  };
}

function anyAction(random: FaultContext['random']): string {
  return random.weighted([
    [4, () => 'exit'],
    [3, () => 'throw'],
    [3, () => `stall(${random.between(100, 9_000)})`],
  ] as const)();
}

export const failpointFaults: readonly FaultKind[] = [
  ...(['command-api', 'relay', 'orchestrator', 'projector'] as const).map(failpoint),
  gatewayMood('answers 500', (random) => `gateway.error=throw@1x${random.between(20, 400)}`, [3_000, 8_000]),
  gatewayMood('slow', (random) => `gateway.slow=stall(${random.between(1_000, 30_000)})@1x${random.between(5, 100)}`, [3_000, 9_000]),
  gatewayMood('charges without an answer', (random) => `gateway.charged=throw@1x${random.between(5, 100)}`, [3_000, 8_000]),
  gatewayMood('dies after a charge', (random) => `gateway.charged=exit@${random.between(1, 30)}`, [3_000, 6_000]),
];
