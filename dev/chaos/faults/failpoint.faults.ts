import { setTimeout as delay } from 'node:timers/promises';
import { FAILPOINTS, parseFailpoints, type FailpointName, type FailpointState } from '#failpoints';
import type { ManagedProcess, ProcessExit } from '../../managed-process.js';
import { instanceNamed, instancesOf, REPLICAS, type DoubledApp } from '../stack/instance.js';
import { CONTRADICTED, resumeParked } from '../stack/parked-fulfilments.js';
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
/** Of an app, and a little; whoever asks a gateway that is slow for longer has given up before. Milliseconds. */
const LONGEST_STALL_MS = 10_000;

/** The rebuild runs in a process of its own. */
const namesOf = (app: string): FailpointName[] =>
  NAMES.filter((name) => name.startsWith(`${app}.`) && !name.startsWith('projector.rebuild'));

/** A place of a running process is armed, to die, throw or stall at one of the next hits. */
const failpoint = (app: Exclude<DoubledApp, 'query-api'>): FaultKind => ({
  kind: `failpoint in ${app}`,
  targets: instancesOf(app).map(({ name }) => name),
  holdMs: [2_000, 5_000],
  weight: 2,
  needs: 'failpoints',
  inject: (context) => {
    const { stack, target, random } = context;
    const instance = instanceNamed(target);
    const spec = `${random.of(namesOf(app))}=${anyAction(random)}@${random.between(1, 20)}x${random.between(1, 4)}`;
    return armed(context, stack.urlOf(app, instance.replica), spec, { instances: [instance], stages: [STAGE[app]] });
  },
});

const GATEWAY_HIT: Hit = { instances: instancesOf('orchestrator'), stages: ['gateway', 'fulfilment'] };

/** What a payment provider does: 500s, no answer for long, no answer at all. */
const gatewayMood = (kind: string, spec: (random: FaultContext['random']) => string, holdMs: FaultKind['holdMs']): FaultKind => ({
  kind: `gateway ${kind}`,
  targets: ['gateway'],
  holdMs,
  needs: 'failpoints',
  inject: (context) => armed(context, context.stack.urlOf('gateway'), spec(context.random), GATEWAY_HIT),
});

/**
 * Charges without an answer, and look-ups that deny them: of an authorization, which is then sent again with its key, and of a capture
 * the gateway had authorized, which no program can judge. Such an order is parked for an operator, who lets it go on once the gateway
 * tells the truth again; so that all that are parked are seen, nothing else may slow those down who park them.
 */
const gatewayContradicts: FaultKind = {
  kind: 'gateway contradicts itself',
  targets: ['gateway'],
  holdMs: [3_000, 8_000],
  needs: 'failpoints',
  occupies: (target) => [
    ...[target, 'postgres', ...instancesOf('orchestrator').map(({ name }) => name)],
    ...REPLICAS.flatMap((replica) => [`gateway-${replica}`, `postgres-${replica}`]),
  ],
  inject: async (context) => {
    const { stack, random, signal } = context;
    const spec = `gateway.charged=throw@1x${random.between(10, 60)};gateway.contradict=throw@1x${random.between(10, 60)}`;
    const { heal, ...injection } = await armed(context, stack.urlOf('gateway'), spec, GATEWAY_HIT);
    return {
      ...injection,
      heal: async () => {
        await heal();
        // An answer that had left before is decided about a moment later.
        for (let round = 0; round < 4 && !signal.aborted; round += 1) {
          await delay(500);
          await resumeParked(stack.urlOf('orchestrator', random.of(REPLICAS)), CONTRADICTED);
        }
      },
    };
  },
};

/** Arms every place of `spec`; the fault counts once each of them has acted. */
async function armed({ stack, target }: FaultContext, url: string, spec: string, hit: Hit): Promise<Injection & { heal(): Promise<void> }> {
  const child = stack.processOf(target);
  const before = statesIn(await control(url, 'PUT', { spec }));
  let after: readonly FailpointState[] | undefined;
  return {
    heal: async () => {
      after = await disarm(child, url);
    },
    wasReached: () => wasReached(spec, before, after, child.exit),
    hit,
    note: spec,
  };
}

type Fired = Pick<FailpointState, 'name' | 'fired'>;

/**
 * Whether every place of the spec acted between two looks at the counters, of which there is no second one when the process has ended:
 * then its end tells. One that was to die ends by SIGKILL; one that left otherwise did so with a place armed that throws or stalls.
 */
export function wasReached(
  spec: string,
  before: readonly Fired[],
  after: readonly Fired[] | undefined,
  exit: ProcessExit | undefined,
): boolean {
  const specs = parseFailpoints(spec);
  if (exit !== undefined) return exit.signal === 'SIGKILL' || specs.some(({ action }) => action.kind !== 'exit');
  const firedIn = (states: readonly Fired[] | undefined, name: string): number => states?.find((state) => state.name === name)?.fired ?? 0;
  return specs.every(({ name }) => firedIn(after, name) > firedIn(before, name));
}

/**
 * Resolves when nothing that was armed there can happen any more and nothing that happened goes on: a process that died of it has
 * forgotten it, in one that lives it is disarmed and a stall that has begun is waited for. Throws when it does not answer. Answers the
 * last look at the counters; undefined: the process has ended.
 */
export async function disarm(child: Pick<ManagedProcess, 'running'>, url: string): Promise<readonly FailpointState[] | undefined> {
  if (!child.running) return undefined;
  await control(url, 'DELETE');
  for (const giveUpAt = Date.now() + LONGEST_STALL_MS; ; await delay(100)) {
    const states = statesIn(await control(url, 'GET'));
    if (Date.now() >= giveUpAt || states.every(({ stalling }) => stalling === 0)) return states;
    if (!child.running) return undefined;
  }
}

const statesIn = (body: string): readonly FailpointState[] => (JSON.parse(body) as { failpoints: FailpointState[] }).failpoints;

/** Answers the body; throws on a refusal. */
async function control(url: string, method: 'GET' | 'PUT' | 'DELETE', body?: object): Promise<string> {
  const response = await fetch(`${url}/failpoints`, {
    method,
    ...(body !== undefined && { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(3_000),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${url}/failpoints ${JSON.stringify(body)} answered ${response.status}`);
  return text;
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
  gatewayContradicts,
  gatewayMood('dies after a charge', (random) => `gateway.charged=exit@${random.between(1, 30)}`, [3_000, 6_000]),
];
