import { syncBuiltinESMExports } from 'node:module';
import timersPromises from 'node:timers/promises';

/** Who keeps time while a simulation runs. */
export interface TimeKeeper {
  /** Virtual milliseconds since the epoch. */
  readonly now: number;
  /** From 0 to below 1, in place of Math.random. */
  draw(): number;
  /** Calls back once after so long; answers how to call that off. */
  startTimer(label: string, ms: number, run: () => void): () => void;
  /** Calls back as soon as possible, in the order of asking. */
  startImmediate(run: () => void): () => void;
}

const real = {
  Date,
  setTimeout,
  setInterval,
  setImmediate,
  clearTimeout,
  clearInterval,
  clearImmediate,
  sleep: timersPromises.setTimeout,
};

/** The event loop's own, whatever is installed. */
export const realSetImmediate = real.setImmediate;

let keeper: TimeKeeper | undefined;

type Callback = (...args: unknown[]) => void;

/** What code may do with the timers that Node hands out. */
class VirtualTimer {
  private cancel: () => void = () => undefined;

  constructor(
    private readonly start: (fire: () => void) => () => void,
    private readonly callback: () => void,
    private readonly repeats: boolean,
  ) {
    this.refresh();
  }

  refresh(): this {
    this.cancel();
    this.cancel = this.start(() => {
      if (this.repeats) this.refresh();
      this.callback();
    });
    return this;
  }

  close(): this {
    this.cancel();
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return true;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function virtualTimer(name: string, repeats: boolean) {
  return (callback: Callback, ms = 0, ...args: unknown[]): VirtualTimer => {
    const start = (fire: () => void) => (keeper as TimeKeeper).startTimer(name, Math.max(1, ms), fire);
    return new VirtualTimer(start, () => callback(...args), repeats);
  };
}

function clear(timer: unknown, fallback: (timer: never) => void): void {
  if (timer instanceof VirtualTimer) timer.close();
  else fallback(timer as never);
}

class VirtualDate extends Date {
  constructor(...args: [] | [number | string | Date]) {
    if (args.length === 0) super((keeper as TimeKeeper).now);
    else super(...args);
  }

  static override now(): number {
    return (keeper as TimeKeeper).now;
  }
}

const virtual = {
  Date: VirtualDate,
  setTimeout: virtualTimer('timeout', false),
  setInterval: virtualTimer('interval', true),
  setImmediate: (callback: Callback, ...args: unknown[]) =>
    new VirtualTimer(
      (fire) => (keeper as TimeKeeper).startImmediate(fire),
      () => callback(...args),
      false,
    ),
  clearTimeout: (timer: unknown) => clear(timer, real.clearTimeout),
  clearInterval: (timer: unknown) => clear(timer, real.clearInterval),
  clearImmediate: (timer: unknown) => clear(timer, real.clearImmediate),
};

function virtualSleep<T>(ms?: number, value?: T, { signal }: { signal?: AbortSignal } = {}): Promise<T> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => reject(new DOMException('The operation was aborted', 'AbortError'));
    if (signal?.aborted === true) return aborted();
    const cancel = (keeper as TimeKeeper).startTimer('sleep', Math.max(1, ms ?? 1), () => {
      signal?.removeEventListener('abort', onAbort);
      resolve(value as T);
    });
    const onAbort = (): void => {
      cancel();
      aborted();
    };
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

function virtualTimeoutSignal(ms: number): AbortSignal {
  const controller = new AbortController();
  (keeper as TimeKeeper).startTimer('signal', ms, () =>
    controller.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError')),
  );
  return controller.signal;
}

let prepared = false;

/** Named imports of node:timers/promises follow only after a slow synchronisation, so this is done once and looks who keeps time. */
function prepare(): void {
  if (prepared) return;
  prepared = true;
  const either = (ms?: number, value?: unknown, options?: { signal?: AbortSignal }) =>
    keeper === undefined ? real.sleep(ms, value, options) : virtualSleep(ms, value, options);
  timersPromises.setTimeout = either as typeof timersPromises.setTimeout;
  syncBuiltinESMExports();
}

/**
 * From now on clocks and timers of this thread are the keeper's: Date, performance.now, setTimeout, setInterval, setImmediate,
 * AbortSignal.timeout and node:timers/promises, and Math.random with them. Answers how to give them back. The code under simulation needs no change for it, and none can be forgotten.
 */
export function installVirtualTime(timeKeeper: TimeKeeper): () => void {
  if (keeper !== undefined) throw new Error('a simulation is running already in this thread');
  prepare();
  keeper = timeKeeper;
  Object.assign(globalThis, virtual);
  const { random } = Math;
  Math.random = () => timeKeeper.draw();
  const { timeout } = AbortSignal;
  AbortSignal.timeout = virtualTimeoutSignal;
  const startedAt = timeKeeper.now;
  Object.defineProperty(performance, 'now', { value: () => timeKeeper.now - startedAt, configurable: true });
  return () => {
    keeper = undefined;
    const { sleep: _sleep, ...globals } = real;
    Object.assign(globalThis, globals);
    Math.random = random;
    AbortSignal.timeout = timeout;
    delete (performance as { now?: unknown }).now;
  };
}
