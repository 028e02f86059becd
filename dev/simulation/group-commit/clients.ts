import { OverloadedError, type AppendRequest, type AppendVerdict, type GroupCommit } from '#event-store';
import type { Kernel, SimulatedProcess } from '../kernel/kernel.js';
import { uuid } from '../uuid.js';
import { MALFORMED, type AppendSide } from './append-side.js';

/** Something a client wants done; what it tries for it may be several requests. */
interface Intent {
  readonly n: number;
  /** The idempotency key; undefined for an append without a command. */
  readonly key: string | undefined;
  readonly fingerprint: string;
  readonly streamIds: readonly string[];
  readonly isMalformed: boolean;
  tries: number;
  isOver: boolean;
}

/** One request, and what was said of it: at most once, and true. */
export interface Try {
  readonly intent: Intent;
  readonly request: AppendRequest;
  readonly eventIds: readonly string[];
  readonly process: SimulatedProcess;
  /** It has reached its process. */
  wasTaken: boolean;
  verdict: AppendVerdict | undefined;
  error: unknown;
}

/** A process that appends. */
export interface Appender {
  readonly process: SimulatedProcess;
  readonly app: { readonly commits: GroupCommit };
}

const STREAMS = ['stock-A', 'stock-B', 'stock-C', 'order-1', 'order-2', 'order-3'];
const NO_ANSWER_MS = 12_000;
const MOST_TRIES = 40;

/**
 * Clients that append to the same few streams through whatever process answers, at times all at once. Who gets no answer asks again with
 * the same key and another command; who meets a conflict looks where the stream stands and tries once more.
 */
export class Clients {
  readonly tries: Try[] = [];
  private readonly intents: Intent[] = [];
  private left: number;

  constructor(
    private readonly kernel: Kernel,
    private readonly store: AppendSide,
    private readonly pick: () => Appender | undefined,
  ) {
    this.left = 6 + kernel.random.below(24);
    this.arrive();
  }

  get done(): boolean {
    return this.left === 0 && this.intents.every(({ isOver }) => isOver);
  }

  get open(): readonly Intent[] {
    return this.intents.filter(({ isOver }) => !isOver);
  }

  private arrive(): void {
    const { random } = this.kernel;
    this.kernel.schedule('clients arrive', undefined, () => this.come(), random.chance(0.4) ? random.below(2_500) : random.below(15));
  }

  private come(): void {
    const { random } = this.kernel;
    for (let count = 1 + random.below(random.chance(0.1) ? 12 : 3); count > 0 && this.left > 0; count -= 1) {
      this.left -= 1;
      const intent = this.newIntent();
      this.intents.push(intent);
      this.ask(intent);
      // Twice at once, as an impatient client does it.
      if (intent.key !== undefined && random.chance(0.15)) this.ask(intent);
    }
    if (this.left > 0) this.arrive();
  }

  private newIntent(): Intent {
    const { random } = this.kernel;
    const n = this.intents.length + 1;
    const other = this.intents.find(({ key }) => key !== undefined);
    const isReuse = other !== undefined && random.chance(0.06);
    const key = isReuse ? other.key : random.chance(0.7) ? `key-${n}` : undefined;
    const streamIds = STREAMS.filter(() => random.chance(0.25));
    const needsWrites = key === undefined && streamIds.length === 0;
    return {
      n,
      key,
      fingerprint: `intent ${n}`,
      streamIds: needsWrites ? [random.pick(STREAMS)] : streamIds,
      isMalformed: random.chance(0.04),
      tries: 0,
      isOver: false,
    };
  }

  private ask(intent: Intent, delayMs = this.kernel.random.below(10)): void {
    this.kernel.schedule('client asks', undefined, () => this.askNow(intent), delayMs);
  }

  private askNow(intent: Intent): void {
    if (intent.isOver) return;
    const appender = this.pick();
    if (appender === undefined) return this.ask(intent, 500);
    const one = this.prepare(intent, appender.process);
    this.tries.push(one);
    this.kernel.schedule('append', appender.process, () => {
      one.wasTaken = true;
      appender.app.commits.append(one.request).then(
        (verdict) => this.answered(one, verdict),
        (error: unknown) => this.refused(one, error),
      );
    });
    this.kernel.schedule('client waited', undefined, () => this.unanswered(one), NO_ANSWER_MS);
  }

  private prepare(intent: Intent, process: SimulatedProcess): Try {
    const { random } = this.kernel;
    intent.tries += 1;
    const name = `${intent.n}.${intent.tries}`;
    // Its events are numbered on from here.
    let id = 1_000 * (1_000 * intent.n + intent.tries);
    const own = uuid(id);
    const writes = intent.streamIds.map((streamId) => ({
      streamId,
      // Who looked a moment ago may be wrong by now; some are always.
      expectedVersion: Math.max(0, this.store.versionOf(streamId) - (random.chance(0.05) ? 1 : 0)),
      events: Array.from({ length: 1 + random.below(2) }, () => ({
        id: uuid((id += 1)),
        type: 'StockReceived',
        schemaVersion: 1,
        data: { said: intent.isMalformed ? MALFORMED : 'fine' },
        occurredAt: '2026-01-05T08:00:00.000Z',
      })),
    }));
    const command =
      intent.key === undefined
        ? undefined
        : {
            id: own,
            name: 'Simulated',
            idempotencyKey: intent.key,
            fingerprint: intent.fingerprint,
            answer: { status: 201, headers: {}, body: { try: name } },
          };
    const metadata = { correlationId: own, causationId: own, actor: 'client', commandId: command?.id ?? null, traceparent: null };
    const eventIds = writes.flatMap(({ events }) => events.map(({ id }) => id));
    return { intent, request: { writes, metadata, command }, eventIds, process, wasTaken: false, verdict: undefined, error: undefined };
  }

  private answered(one: Try, verdict: AppendVerdict): void {
    const { intent } = one;
    one.verdict = verdict;
    if (verdict.outcome !== 'conflict' || intent.tries >= MOST_TRIES) intent.isOver = true;
    else this.again(intent);
  }

  private refused(one: Try, error: unknown): void {
    const { intent } = one;
    one.error = error ?? new Error('rejected with nothing');
    // Without a key nobody may ask again what may have been done.
    const wasDone = !(error instanceof OverloadedError) && (intent.key === undefined || intent.isMalformed);
    if (wasDone || intent.tries >= MOST_TRIES) intent.isOver = true;
    else this.again(intent);
  }

  private unanswered(one: Try): void {
    const { intent } = one;
    if (one.verdict !== undefined || one.error !== undefined || intent.isOver) return;
    if (intent.key === undefined) intent.isOver = true;
    else this.ask(intent);
  }

  private again(intent: Intent): void {
    this.kernel.schedule('client asks again', undefined, () => this.askNow(intent), 20 + this.kernel.random.below(400));
  }
}
