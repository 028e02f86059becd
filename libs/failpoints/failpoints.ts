import { FAILPOINTS, type FailpointName } from './failpoint-names.js';
import { parseFailpoints, type FailpointSpec } from './failpoint-spec.js';

/** What an armed `throw` throws: to the code around it, a neighbour's connection broke. */
export class FailpointError extends Error {
  readonly code = 'ECONNRESET';

  constructor(readonly failpoint: FailpointName) {
    super(`failpoint ${failpoint}`);
    this.name = 'FailpointError';
  }
}

export interface FailpointState {
  readonly name: FailpointName;
  readonly where: string;
  /** How often it was reached since the failpoints were switched on. */
  readonly hits: number;
  /** How often it acted. */
  readonly fired: number;
  /** Hits since it was armed, and what it is armed with; null when it does nothing. */
  readonly armed: { readonly action: string; readonly nth: number; readonly times: number; readonly hits: number } | null;
}

interface Counter {
  hits: number;
  fired: number;
}

/**
 * Places in the code where a fault can be injected on purpose: `if (failpoints.armed) await failpoints.reach('relay.sent');`
 *
 * - Off unless told: then a site costs one read of a plain field.
 * - `exit` ends the process at once, without any handler, as kill -9 does; `throw` throws {@link FailpointError}; `stall` waits.
 * - A site fires at the nth hit after it was armed, and at `times` hits from there on; then it is disarmed.
 */
export class Failpoints {
  /** Whether sites are to report; read by every site before anything else. */
  armed = false;
  private readonly plan = new Map<FailpointName, { readonly spec: FailpointSpec; hits: number }>();
  private readonly counters = new Map<FailpointName, Counter>();

  constructor(private readonly die: () => never = killSelf) {}

  /**
   * Switches the sites on and replaces what was armed. `on` or an empty text arms nothing but counts hits.
   * @throws FailpointSpecError, and leaves everything as it was
   */
  arm(text: string): void {
    const specs = parseFailpoints(text);
    this.plan.clear();
    for (const spec of specs) this.plan.set(spec.name, { spec, hits: 0 });
    this.armed = true;
  }

  /** Nothing fires any more; hits are counted on. */
  disarm(): void {
    this.plan.clear();
  }

  /** @throws FailpointError when it is armed with `throw` and its hit has come */
  async reach(name: FailpointName): Promise<void> {
    const stallMs = this.hit(name);
    if (stallMs > 0) await new Promise((resolve) => setTimeout(resolve, stallMs));
  }

  /** {@link reach} for places that cannot wait: `stall` holds up the whole process, as a stop signal would. */
  reachSync(name: FailpointName): void {
    const stallMs = this.hit(name);
    if (stallMs > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, stallMs);
  }

  /** Whether this place is armed: for a site that has to prepare the moment it stands for. */
  plans(name: FailpointName): boolean {
    return this.plan.has(name);
  }

  states(): FailpointState[] {
    return (Object.keys(FAILPOINTS) as FailpointName[]).map((name) => {
      const { hits, fired } = this.counters.get(name) ?? { hits: 0, fired: 0 };
      const entry = this.plan.get(name);
      return { name, where: FAILPOINTS[name], hits, fired, armed: entry === undefined ? null : describe(entry.spec, entry.hits) };
    });
  }

  /** Milliseconds to stall; 0: go on. */
  private hit(name: FailpointName): number {
    const counter = this.counters.get(name) ?? { hits: 0, fired: 0 };
    this.counters.set(name, counter);
    counter.hits++;
    const entry = this.plan.get(name);
    if (entry === undefined || ++entry.hits < entry.spec.nth) return 0;
    if (entry.hits === entry.spec.nth + entry.spec.times - 1) this.plan.delete(name);
    counter.fired++;
    const { action } = entry.spec;
    switch (action.kind) {
      case 'exit':
        return this.die();
      case 'throw':
        throw new FailpointError(name);
      case 'stall':
        return action.ms;
    }
  }
}

function describe({ action, nth, times }: FailpointSpec, hits: number): FailpointState['armed'] {
  return { action: action.kind === 'stall' ? `stall(${action.ms})` : action.kind, nth, times, hits };
}

function killSelf(): never {
  process.kill(process.pid, 'SIGKILL');
  // the signal is on its way: nothing may run any more
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

/** The failpoints of this process. */
export const failpoints = new Failpoints();
