import type { ManagedProcess, ProcessExit } from './managed-process.js';
import { seconds } from './progress.js';

export interface Service {
  readonly name: string;
  /**
   * Starts it and resolves when it does its work; tells `onSpawn` of the process as soon as there is one. When it rejects, the process
   * may still be running (alive but not ready); then it is kept.
   */
  start(onSpawn: (child: ManagedProcess) => void): Promise<void>;
  stop(child: ManagedProcess): Promise<unknown>;
}

export interface SupervisorOptions {
  /** One line for the person at the terminal. */
  readonly say: (line: string) => void;
  /** The set of processes is another one now. */
  readonly onChange: () => void;
  /** First pause before a restart, milliseconds; doubled each time while it keeps dying. Default 250. */
  readonly restartDelayMs?: number;
  /** Longest pause before a restart, milliseconds. Default 15,000. */
  readonly maxRestartDelayMs?: number;
}

const MAX_RESTART_DELAY_MS = 15_000;
/** Having lived so long, a process starts with a clean record. */
const GOOD_LIFE_MS = 60_000;

/**
 * Keeps services running.
 *
 * - A service that fails at its first start fails the caller; one that dies later is started again, with growing pauses while it
 *   keeps dying, and each time one line says so.
 * - `stopAll` ends them in reverse order of their start, group by group, and returns when every process is gone; nothing is
 *   restarted from its first moment on.
 */
export class Supervisor {
  private readonly groups: Service[][] = [];
  private readonly children = new Map<string, ManagedProcess>();
  private readonly watches = new Set<Promise<void>>();
  private readonly pauses = new Set<() => void>();
  private stopping = false;

  constructor(private readonly options: SupervisorOptions) {}

  /** The running processes, last started first. */
  get processes(): ManagedProcess[] {
    return [...this.children.values()].filter((child) => child.running).reverse();
  }

  /** Starts services that need not wait for each other. Rejects with the first failure; `stopAll` then also ends what was still starting. */
  async startGroup(services: readonly Service[], around: <T>(name: string, work: () => Promise<T>) => Promise<T>): Promise<void> {
    this.groups.push([...services]);
    await Promise.all(services.map((service) => around(service.name, () => this.startFirst(service))));
  }

  async stopAll(): Promise<void> {
    this.stopping = true;
    this.pauses.forEach((wake) => wake());
    for (const group of this.groups.toReversed()) {
      await Promise.all(group.map((service) => this.stopOne(service)));
    }
    while (this.watches.size > 0) await Promise.all(this.watches);
  }

  /** Ends everything at once, whatever is lost. */
  killAll(): void {
    this.stopping = true;
    this.pauses.forEach((wake) => wake());
    // PostgreSQL takes its backends along on SIGQUIT; killed outright it would leave them to find out by themselves.
    for (const child of this.processes) child.kill(child.name === 'postgres' ? 'SIGQUIT' : 'SIGKILL');
  }

  private async startFirst(service: Service): Promise<void> {
    if (this.stopping) throw new Error(`${service.name} is not started: everything is being stopped`);
    // The end waits for it, because its process may appear after the end has begun.
    await this.underWatch(service.start((child) => this.spawned(service, child)));
    void this.underWatch(this.keepRunning(service, this.children.get(service.name)!));
  }

  private spawned(service: Service, child: ManagedProcess): void {
    this.children.delete(service.name);
    this.children.set(service.name, child);
    this.options.onChange();
    // Spawned by a start that was under way when the end began.
    if (this.stopping) void this.underWatch(service.stop(child));
  }

  private async stopOne(service: Service): Promise<void> {
    const child = this.children.get(service.name);
    if (child?.running) await service.stop(child);
    this.options.onChange();
  }

  /** The end waits for this work. */
  private async underWatch(work: Promise<unknown>): Promise<void> {
    const quiet = work.then(
      () => undefined,
      () => undefined,
    );
    this.watches.add(quiet);
    await work.finally(() => this.watches.delete(quiet));
  }

  private async keepRunning(service: Service, first: ManagedProcess): Promise<void> {
    let child = first;
    for (let deaths = 0; ;) {
      const startedAt = performance.now();
      const exit = await child.exited;
      if (this.stopping) return;
      if (performance.now() - startedAt > GOOD_LIFE_MS) deaths = 0;
      this.options.say(`${service.name} ended unexpectedly (${describeExit(exit)}): starting it again`);
      const restarted = await this.restart(service, deaths++);
      if (restarted === undefined) return;
      child = restarted;
    }
  }

  /** undefined: everything is being stopped. */
  private async restart(service: Service, deaths: number): Promise<ManagedProcess | undefined> {
    const downSince = performance.now();
    for (let attempt = deaths; ; attempt++) {
      const { restartDelayMs = 250, maxRestartDelayMs = MAX_RESTART_DELAY_MS } = this.options;
      await this.pause(Math.min(restartDelayMs * 2 ** attempt, maxRestartDelayMs));
      if (this.stopping) return undefined;
      const before = this.children.get(service.name);
      try {
        await service.start((child) => this.spawned(service, child));
        this.options.say(`${service.name} is up again after ${seconds(performance.now() - downSince)}`);
        return this.children.get(service.name);
      } catch (error) {
        if (this.stopping) return undefined;
        const child = this.children.get(service.name);
        const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
        const alive = child !== before && child?.running;
        this.options.say(alive ? `${service.name} runs again, but: ${reason}` : `${service.name} could not be started again: ${reason}`);
        if (alive) return child;
      }
    }
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.pauses.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.pauses.add(wake);
    });
  }
}

function describeExit({ code, signal }: ProcessExit): string {
  return signal === null ? `exit code ${code}` : `killed by ${signal}`;
}
