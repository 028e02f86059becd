import { APP_NAMES, type AppName } from '../../apps.js';
import { freePorts } from '../../ports.js';
import { REPLICAS, type Replica } from './instance.js';

export interface StackPorts {
  /** Where PostgreSQL and Kafka themselves listen: for whoever watches and checks. */
  readonly postgres: number;
  readonly kafka: number;
  readonly kafkaController: number;
  readonly gateway: number;
  readonly proxyControl: number;
  /** What the apps of a replica are told. */
  readonly doors: Readonly<Record<Replica, { readonly postgres: number; readonly kafka: number; readonly gateway: number }>>;
  /** Kafka's listeners behind the doors. */
  readonly kafkaBehind: Readonly<Record<Replica, number>>;
  readonly apps: Readonly<Record<Replica, Readonly<Record<AppName, number>>>>;
  /** For a third process of an app while one of the two is being exchanged. */
  readonly surge: number;
}

export async function choosePorts(): Promise<StackPorts> {
  const ports = await freePorts(14 + 2 * APP_NAMES.length);
  const next = (): number => ports.pop()!;
  const gateway = next();
  const perReplica = <T>(make: () => T): Record<Replica, T> =>
    Object.fromEntries(REPLICAS.map((replica) => [replica, make()])) as Record<Replica, T>;
  return {
    postgres: next(),
    kafka: next(),
    kafkaController: next(),
    gateway,
    proxyControl: next(),
    doors: perReplica(() => ({ postgres: next(), kafka: next(), gateway: next() })),
    kafkaBehind: perReplica(next),
    apps: perReplica(() => ({ ...(Object.fromEntries(APP_NAMES.map((app) => [app, next()])) as Record<AppName, number>), gateway })),
    surge: next(),
  };
}
