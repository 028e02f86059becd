import type { ProcessExit } from '../../managed-process.js';
import { DOUBLED_APPS, instanceNamed, instancesOf, type DoubledApp } from '../stack/instance.js';
import type { Stage } from '../stack/recovery.js';
import type { FaultKind } from './fault.js';

const STAGE: Readonly<Record<DoubledApp, Stage>> = {
  'command-api': 'commands',
  relay: 'publishing',
  orchestrator: 'fulfilment',
  projector: 'projection',
  'query-api': 'queries',
};

const namesOf = (app: DoubledApp): string[] => instancesOf(app).map(({ name }) => name);

/** kill -9; the supervisor brings it back. */
const kill = (app: DoubledApp): FaultKind => ({
  kind: `kill ${app}`,
  targets: namesOf(app),
  holdMs: [0, 0],
  weight: 2,
  async inject({ stack, target }) {
    await killed(stack.processOf(target));
    return { hit: { instances: [instanceNamed(target)], stages: [STAGE[app]] } };
  },
});

/** Both at the same moment: nobody is left to take over. */
const killBoth = (app: DoubledApp): FaultKind => ({
  kind: `kill both ${app}`,
  targets: [app],
  holdMs: [0, 0],
  occupies: () => namesOf(app),
  async inject({ stack }) {
    await Promise.all(namesOf(app).map((name) => killed(stack.processOf(name))));
    return { hit: { instances: instancesOf(app), stages: [STAGE[app]] } };
  },
});

/** SIGSTOP, and on as if nothing had been: it does not know that time has passed. */
const pause = (app: DoubledApp, kind: string, holdMs: FaultKind['holdMs']): FaultKind => ({
  kind: `${kind} ${app}`,
  targets: namesOf(app),
  holdMs,
  async inject({ stack, target }) {
    const child = stack.processOf(target);
    child.kill('SIGSTOP');
    return { heal: async () => void child.kill('SIGCONT'), hit: { instances: [instanceNamed(target)], stages: [STAGE[app]] } };
  },
});

/** What an app is given to leave (10 s), and a little. */
const LEAVES_WITHIN_MS = 12_000;
/** Then it is killed. */
const KILLED_AFTER_MS = 20_000;

/**
 * What is wrong with how a process left after SIGTERM; undefined: nothing. Its deadline holds whatever its neighbours do. Its exit code
 * tells whether all its steps went well, which they need not while something else is broken.
 */
export function badExit({ code, signal }: ProcessExit, tookMs: number, isAlone: boolean): string | undefined {
  if (signal !== null) return `did not leave within ${tookMs} ms after SIGTERM (killed by ${signal})`;
  if (tookMs > LEAVES_WITHIN_MS) return `left only ${tookMs} ms after SIGTERM`;
  if (code !== 0 && isAlone) return `left with exit code ${code} after SIGTERM`;
  return undefined;
}

/** A new process joins under load, the old one is asked to leave, its successor comes, the helper leaves. */
const deploy = (app: DoubledApp): FaultKind => ({
  kind: `deploy ${app}`,
  targets: namesOf(app),
  holdMs: [0, 0],
  occupies: (target) => [target, 'surge'],
  async inject({ stack, target, signal, isAlone }) {
    const instance = instanceNamed(target);
    const helper = await stack.surge(instance);
    const restart = stack.keepDown(target);
    const old = stack.processOf(target);
    const askedAt = Date.now();
    const wasAlone = isAlone();
    const exit = await old.stop('SIGTERM', KILLED_AFTER_MS).finally(restart);
    const tookMs = Date.now() - askedAt;
    const defect = badExit(exit, tookMs, wasAlone && isAlone());
    return {
      heal: async () => {
        const isBack = (): Promise<boolean> => stack.isReady(instance).catch(() => false);
        for (const until = Date.now() + 30_000; Date.now() < until && !signal.aborted && !(await isBack());) await moment();
        await helper.stop();
      },
      hit: { instances: [instance], stages: [STAGE[app]] },
      note: `left ${tookMs} ms after SIGTERM, exit code ${exit.code ?? exit.signal}`,
      ...(defect !== undefined && { defect }),
    };
  },
});

const GATEWAY_HIT = { instances: [], stages: ['gateway'] } as const;

const killGateway: FaultKind = {
  kind: 'kill gateway',
  targets: ['gateway'],
  holdMs: [0, 0],
  async inject({ stack }) {
    await killed(stack.processOf('gateway'));
    return { hit: GATEWAY_HIT };
  },
};

const pauseGateway: FaultKind = {
  kind: 'pause gateway',
  targets: ['gateway'],
  holdMs: [3_000, 9_000],
  async inject({ stack }) {
    const child = stack.processOf('gateway');
    child.kill('SIGSTOP');
    return { heal: async () => void child.kill('SIGCONT'), hit: GATEWAY_HIT };
  },
};

async function killed(child: { kill(signal: NodeJS.Signals): boolean; readonly exited: Promise<unknown> }): Promise<void> {
  child.kill('SIGKILL');
  await child.exited;
}

const moment = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50));

export const processFaults: readonly FaultKind[] = [
  ...DOUBLED_APPS.flatMap((app) => [
    kill(app),
    killBoth(app),
    pause(app, 'pause', [500, 3_000]),
    // Past a consumer's session (6 s) and a relay's lock as others see it.
    pause(app, 'pause long', [8_000, 14_000]),
    deploy(app),
  ]),
  killGateway,
  pauseGateway,
];
