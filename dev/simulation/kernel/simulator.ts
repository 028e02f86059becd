import { Kernel, type Fault } from './kernel.js';

/** What a simulator builds for one seed: the code under simulation, its neighbours, and what must hold. */
export interface World {
  /** What may go wrong while the faulty phase lasts. */
  readonly faults: readonly Fault[];
  /** Chance of a fault before a step, 0 to 1. */
  readonly faultRate: number;
  /** Most steps of the faulty phase; it ends before when everything has. */
  readonly faultySteps: number;
  /** Ends what is still wrong: continues who is stopped, restarts who is dead, lets servers answer. */
  heal(): void;
  /** Whether everything that was begun, and is still to begin, has ended. Asked after every step: keep it cheap. */
  settled(): boolean;
  /** Virtual milliseconds from the healing within which that must be so. */
  readonly settleWithinMs: number;
  /** What does not hold, in words; also what was seen to be wrong on the way. */
  check(): string[];
  /** What keeps it from settling, for the report of a seed that does not. */
  describe(): string;
}

export interface SeedResult {
  readonly seed: number;
  /** Empty when all is well. */
  readonly violations: readonly string[];
  /** Of the trace: the same for the same seed. */
  readonly hash: string;
  readonly steps: number;
  /** How often each fault was injected. */
  readonly faults: Readonly<Record<string, number>>;
  readonly trace: readonly string[];
}

export interface Simulator {
  readonly name: string;
  /** What it shows, in a line. */
  readonly about: string;
  simulate(seed: number, tracing?: boolean): Promise<SeedResult>;
}

const MOST_STEPS = 100_000;

/** A simulator from the world it builds: a faulty phase, a quiet one in which everything must come to its end, then the checks. */
export function defineSimulator(name: string, about: string, build: (kernel: Kernel) => World): Simulator {
  const simulate = async (seed: number, tracing = false): Promise<SeedResult> => {
    const kernel = new Kernel({ seed, tracing });
    // Errors are made by the thousand here; where they come from matters only to whoever reads a trace.
    const { stackTraceLimit } = Error;
    if (!tracing) Error.stackTraceLimit = 0;
    const violations = await kernel.inside(() => play(kernel, build(kernel))).finally(() => (Error.stackTraceLimit = stackTraceLimit));
    const { steps, trace, injected } = kernel;
    return { seed, violations, hash: trace.hash, steps, faults: Object.fromEntries(injected), trace: trace.lines };
  };
  return { name, about, simulate };
}

async function play(kernel: Kernel, world: World): Promise<string[]> {
  kernel.setFaults(world.faults, world.faultRate);
  await kernel.run({ until: () => world.settled(), withinMs: Infinity, maxSteps: world.faultySteps });
  kernel.setFaults([], 0);
  kernel.note(undefined, 'HEALED');
  world.heal();
  const ended = await kernel.run({ until: () => world.settled(), withinMs: world.settleWithinMs, maxSteps: MOST_STEPS });
  const violations = [...world.check()];
  if (kernel.failure !== undefined) {
    const { process, error } = kernel.failure;
    violations.unshift(
      `${process} died of an error nobody handled: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
  } else if (ended === 'stuck') {
    violations.unshift(`not settled ${world.settleWithinMs} ms after healing: ${world.describe()}`);
  }
  return violations;
}
