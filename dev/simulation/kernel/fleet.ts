import type { Fault, Kernel, SimulatedProcess } from './kernel.js';

/** An app that runs in a process of the kernel. */
export interface App {
  /** As on SIGTERM. */
  stop(): Promise<void>;
}

interface FleetOptions<Running extends App> {
  /** What main does. `onFatal` ends the process; its supervisor starts another. */
  start(onFatal: (error: Error) => void): Running;
  /** Its connections are closed by the operating system. */
  died(process: SimulatedProcess): void;
}

interface Instance<Running> {
  readonly name: string;
  process: SimulatedProcess | undefined;
  app: Running | undefined;
}

/** Longest a process may take to end on SIGTERM, milliseconds. */
const STOP_DEADLINE_MS = 10_000;

/** Processes of one app under a supervisor: killed, stopped and ended in order, and started again. */
export class Fleet<Running extends App> {
  private readonly instances: Instance<Running>[];

  constructor(
    private readonly kernel: Kernel,
    names: readonly string[],
    private readonly options: FleetOptions<Running>,
  ) {
    this.instances = names.map((name) => ({ name, process: undefined, app: undefined }));
    this.instances.forEach((instance) => this.boot(instance));
  }

  /** Every app that runs, stopped processes included. */
  get apps(): { readonly name: string; readonly app: Running }[] {
    return this.instances.flatMap(({ name, app }) => (app === undefined ? [] : [{ name, app }]));
  }

  /** One that would answer a request. */
  pick(): { readonly process: SimulatedProcess; readonly app: Running } | undefined {
    const able = this.instances.flatMap(({ process, app }) =>
      process === undefined || app === undefined || process.stopped ? [] : [{ process, app }],
    );
    return able.length === 0 ? undefined : this.kernel.random.pick(able);
  }

  get faults(): Fault[] {
    const { random } = this.kernel;
    const toOne = (act: (instance: Instance<Running>) => string) => (): string | undefined => {
      const candidates = this.instances.filter(({ process }) => process?.stopped === false);
      return candidates.length === 0 ? undefined : act(random.pick(candidates));
    };
    return [
      { name: 'process killed', weight: 2, inject: toOne((instance) => this.kill(instance, random.below(3_000))) },
      { name: 'process stopped', weight: 1, inject: toOne((instance) => this.pause(instance, random.below(20_000))) },
      { name: 'process ended in order', weight: 1, inject: toOne((instance) => this.end(instance)) },
    ];
  }

  heal(): void {
    for (const { process } of this.instances) if (process?.stopped === true) this.kernel.continue(process);
  }

  private boot(instance: Instance<Running>): void {
    const process = this.kernel.spawn(instance.name, () => {
      instance.app = this.options.start(() => {
        if (instance.process === process) this.kill(instance, 1_000);
      });
    });
    instance.process = process;
  }

  private kill(instance: Instance<Running>, restartInMs: number): string {
    const { name, process } = instance;
    if (process === undefined) return `${name} was dead`;
    this.kernel.kill(process);
    this.options.died(process);
    instance.process = undefined;
    instance.app = undefined;
    this.kernel.schedule(`${name} starts again`, undefined, () => this.boot(instance), restartInMs);
    return name;
  }

  private pause({ name, process }: Instance<Running>, ms: number): string {
    this.kernel.stop(process as SimulatedProcess);
    this.kernel.schedule(`${name} goes on`, undefined, () => this.kernel.continue(process as SimulatedProcess), ms);
    return `${name} for ${ms} ms`;
  }

  private end(instance: Instance<Running>): string {
    const { process, app } = instance;
    const over = (): void => {
      if (instance.process === process) this.kill(instance, 0);
    };
    instance.app = undefined;
    this.kernel.schedule('SIGTERM', process, () => void app?.stop().then(over));
    this.kernel.schedule('SIGKILL', undefined, over, STOP_DEADLINE_MS);
    return instance.name;
  }
}
