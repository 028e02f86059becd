import type { AppName } from '../../apps.js';

/** The apps of which there are two; the gateway is the outside world, of which there is one. */
export const DOUBLED_APPS = ['command-api', 'relay', 'orchestrator', 'projector', 'query-api'] as const satisfies readonly AppName[];
export type DoubledApp = (typeof DOUBLED_APPS)[number];

export const REPLICAS = [1, 2] as const;
export type Replica = (typeof REPLICAS)[number];

export type InstanceName = `${DoubledApp}-${Replica}`;

/** One of the two processes of an app. Everything of replica 1 reaches PostgreSQL and Kafka through one door, all of replica 2 through another. */
export interface Instance {
  readonly name: InstanceName;
  readonly app: DoubledApp;
  readonly replica: Replica;
}

export const INSTANCES: readonly Instance[] = REPLICAS.flatMap((replica) =>
  DOUBLED_APPS.map((app): Instance => ({ name: `${app}-${replica}`, app, replica })),
);

export function instanceNamed(name: string): Instance {
  const instance = INSTANCES.find((each) => each.name === name);
  if (instance === undefined) throw new Error(`there is no instance ${name}`);
  return instance;
}

export const instancesOf = (app: DoubledApp): readonly Instance[] => INSTANCES.filter((each) => each.app === app);
