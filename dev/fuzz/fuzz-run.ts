import type { ApiSurface } from './api-surface.js';
import { nextAttack, type Attack } from './attacks.js';
import { Dice } from './dice.js';
import type { HttpAnswer } from './http-answers.js';
import { hostileRequest, type HostileRequest } from './http-request.js';
import { isStream, RawLane, type Exchange } from './raw-lane.js';
import { staysWhole, surelyInvalid } from './surely-invalid.js';
import { asSent, UndiciLane } from './undici-lane.js';
import { faultOf } from './verdict.js';

export interface FuzzOptions {
  readonly surfaces: readonly ApiSurface[];
  readonly requests: number;
  readonly seed: number;
  /** Attackers at once; each throws dice of its own. Default 24. */
  readonly attackers?: number;
  /** Milliseconds an answer may take. Default 20 000: a busy machine is no hang. */
  readonly deadlineMs?: number;
  readonly onProgress?: (sent: number) => void;
  /** Asked between attacks: end early. */
  readonly giveUp?: () => boolean;
}

export interface Fault {
  readonly what: string;
  readonly api: string;
  readonly attack: string;
  readonly answer: string;
}

export interface FuzzReport {
  readonly requests: number;
  readonly answered: number;
  /** Connections that ended, or were left by the client, without an answer, where that is no fault. */
  readonly unanswered: number;
  readonly slowestMs: number;
  readonly byStatus: Readonly<Record<string, number>>;
  readonly byCode: Readonly<Record<string, number>>;
  readonly byKind: Readonly<Record<string, number>>;
  /** The first of each kind, at most 50. */
  readonly faults: readonly Fault[];
  readonly faultCount: number;
}

const MAX_FAULTS = 50;
/** One in so many requests that only have hostile content goes through a client library. */
const THROUGH_UNDICI = 3;

/**
 * Throws seeded malformed requests at APIs and judges every answer: a 5xx, an accepted command that is surely invalid, a refusal that is
 * no problem document, a code nobody documented, no answer before the deadline, or a connection that ends without one where there is nothing wrong with the framing.
 * The dice of attacker k are seeded with seed + k, so a run of the same seed and size sends the same (but for ids that the server minted).
 */
export async function fuzz(options: FuzzOptions): Promise<FuzzReport> {
  const tally = new Tally(options.onProgress);
  const attackers = options.attackers ?? 24;
  const shares = Array.from({ length: attackers }, (_, k) => Math.floor((options.requests + k) / attackers));
  await Promise.all(shares.map((share, k) => attacker(options, new Dice(options.seed + k), share, tally)));
  return tally.report();
}

async function attacker(options: FuzzOptions, dice: Dice, share: number, tally: Tally): Promise<void> {
  const deadlineMs = options.deadlineMs ?? 20_000;
  const lanes = options.surfaces.map((surface) => ({
    surface,
    raw: new RawLane(Number(new URL(surface.url).port), deadlineMs),
    undici: new UndiciLane(surface.url, deadlineMs),
  }));
  const ids: string[] = [];
  for (let sent = 0; sent < share && options.giveUp?.() !== true;) {
    const lane = dice.pick(lanes);
    const { surface } = lane;
    const startedAt = performance.now();
    if (dice.oneIn(THROUGH_UNDICI)) {
      const request = hostileRequest(dice, surface, ids);
      const answer = await lane.undici.send(request).catch((error: unknown) => error as Error);
      if (answer === undefined) continue;
      sent += 1;
      tally.libraryAnswer(surface, request, answer, performance.now() - startedAt);
      if (!(answer instanceof Error)) remember(ids, answer);
      continue;
    }
    const attack = nextAttack(dice, surface, ids);
    const exchange = await lane.raw.run(attack);
    sent += attack.requests;
    tally.exchange(surface, attack, exchange, performance.now() - startedAt);
    exchange.answers.forEach((answer) => remember(ids, answer));
  }
  for (const { raw } of lanes) raw.close();
}

/** What there is to be found later on. */
function remember(ids: string[], { status, headers, body }: HttpAnswer): void {
  const location = headers.location ?? (status === 200 ? /"orderId":"([^"]+)"/.exec(body.toString('latin1'))?.[1] : undefined);
  if (location === undefined) return;
  const id = location.split('/').at(-1) as string;
  ids.push(id, `order-${id}`);
  if (ids.length > 40) ids.splice(0, 2);
}

class Tally {
  private requests = 0;
  private answered = 0;
  private unanswered = 0;
  private slowestMs = 0;
  private faultCount = 0;
  private readonly statuses = new Map<string, number>();
  private readonly codes = new Map<string, number>();
  private readonly kinds = new Map<string, number>();
  private readonly faults = new Map<string, Fault>();

  constructor(private readonly onProgress: ((sent: number) => void) | undefined) {}

  libraryAnswer(surface: ApiSurface, request: HostileRequest, answer: HttpAnswer | Error, ms: number): void {
    const summary = `client library: ${request.method} ${request.target.slice(0, 120)}`;
    this.count('client library', 1, ms);
    if (!(answer instanceof Error)) {
      const mustRefuse = staysWhole(request) ? surelyInvalid(asSent(request)) : undefined;
      return this.judge(surface, summary, answer, request.method === 'HEAD', mustRefuse);
    }
    // A refusal of something too long may be lost with the connection.
    const tooLong = (request.body?.length ?? 0) > 200_000 || request.target.length > 8_000;
    if (tooLong) this.unanswered += 1;
    else this.fault(surface, summary, `no answer: ${(answer as NodeJS.ErrnoException).code ?? answer.message}`, '');
  }

  exchange(surface: ApiSurface, attack: Attack, { answers, end, detail }: Exchange, ms: number): void {
    const { kind, summary, expect, requests, heads, mustRefuse } = attack;
    this.count(kind, requests, ms);
    answers.forEach((answer, index) => this.judge(surface, summary, answer, heads[index] ?? false, mustRefuse[index]));
    const short = answers.length < requests;
    if (short) this.unanswered += requests - answers.length;
    if (end === 'no-http' || end === 'refused') this.fault(surface, summary, `${end}: ${detail ?? ''}`, '');
    else if (end === 'silent') this.fault(surface, summary, 'no answer before the deadline', `${answers.length} of ${requests} answers`);
    else if (end === 'closed' && expect === 'answer') this.fault(surface, summary, 'the connection ended without an answer', detail ?? '');
    else if (end === 'answered' && short && expect === 'answer' && !mayEndEarly(answers)) {
      this.fault(surface, summary, `${answers.length} of ${requests} answers, and the connection was not to be closed`, '');
    }
  }

  report(): FuzzReport {
    const sorted = (map: Map<string, number>) => Object.fromEntries([...map].sort(([a], [b]) => (a < b ? -1 : 1)));
    return {
      requests: this.requests,
      answered: this.answered,
      unanswered: this.unanswered,
      slowestMs: Math.round(this.slowestMs),
      byStatus: sorted(this.statuses),
      byCode: sorted(this.codes),
      byKind: sorted(this.kinds),
      faults: [...this.faults.values()],
      faultCount: this.faultCount,
    };
  }

  private count(kind: string, requests: number, ms: number): void {
    this.requests += requests;
    this.slowestMs = Math.max(this.slowestMs, ms);
    add(this.kinds, kind, requests);
    this.onProgress?.(this.requests);
  }

  private judge(surface: ApiSurface, summary: string, answer: HttpAnswer, isHead: boolean, mustRefuse: string | undefined): void {
    this.answered += 1;
    add(this.statuses, String(answer.status));
    const body = answer.body.subarray(0, 400).toString('utf8');
    const code = answer.status >= 400 ? /"code":"([^"]+)"/.exec(body)?.[1] : undefined;
    if (code !== undefined) add(this.codes, code);
    const what = faultOf(answer, surface, isHead, mustRefuse);
    if (what !== undefined) this.fault(surface, summary, what, `${answer.status} ${body}`);
  }

  private fault({ name: api }: ApiSurface, attack: string, what: string, answer: string): void {
    this.faultCount += 1;
    const key = `${api} ${attack.split(':')[0]} ${what}`;
    if (this.faults.size < MAX_FAULTS && !this.faults.has(key)) this.faults.set(key, { api, attack, what, answer });
  }
}

/** After such an answer the connection is over, whatever was still to come on it. */
const mayEndEarly = (answers: readonly HttpAnswer[]): boolean =>
  answers.some((answer) => answer.headers.connection === 'close' || isStream(answer));

function add(map: Map<string, number>, key: string, by = 1): void {
  map.set(key, (map.get(key) ?? 0) + by);
}
