import { isAccepted, isFinal } from '../history/final-answer.js';
import type { Answered, Attempt, HistoryRecord, Intent, LastPieces, Phase, Poison, Sent } from '../history/history-record.js';
import { inOrder } from './in-order.js';
import type { InstanceStory } from './instances-alive.js';
import { acceptanceOf, askedBy, type CommandStory } from './command-story.js';

/** A request that is not answered yet, with as little of it as its answer needs. */
interface Pending {
  readonly intent: Intent;
  readonly attempt: Attempt;
  readonly key: string | null;
  readonly token: string | undefined;
  readonly path: string;
  readonly at: number;
  readonly target: string;
}

/** An answer that a client may hold against the system, whatever the store says. */
export interface Complaint {
  readonly of: 'changed-answer' | 'misuse' | 'stale-read' | 'surprise' | 'request-changed';
  readonly what: string;
  readonly ids: readonly string[];
  readonly where: string;
}

export interface ReadCounts {
  answered: number;
  withToken: number;
  behind: number;
}

/**
 * The history of a run, folded record by record: a story a command, counts and complaints of everything else. Of 150,000 commands it
 * keeps some 200 MB.
 */
export class HistoryDigest {
  readonly stories = new Map<string, CommandStory>();
  readonly complaints: Complaint[] = [];
  readonly poison: Poison[] = [];
  readonly lastPieces: LastPieces[] = [];
  readonly phases: Phase[] = [];
  readonly reads: ReadCounts = { answered: 0, withToken: 0, behind: 0 };
  /** Refusals and the like by status and code, e.g. `503 unavailable`. */
  readonly answers = new Map<string, number>();
  unanswered = 0;
  requests = 0;
  /** When commands went out, and when commands and reads succeeded; in the order of the file. */
  readonly sentAt: number[] = [];
  readonly commandSucceededAt: number[] = [];
  readonly readAt: number[] = [];
  readonly readSucceededAt: number[] = [];
  /** By origin, in the order of the file. */
  private readonly targets = new Map<string, { askedAt: number[]; succeededAt: number[] }>();
  private readonly pending = new Map<string, Pending>();

  /** @param file tells the numbers of one load process from those of another */
  add(record: HistoryRecord, file = 'history'): void {
    switch (record.kind) {
      case 'sent':
        return this.sent(record, file);
      case 'answered':
        return this.answered(record, file);
      case 'unanswered':
        this.pending.delete(`${file} ${record.n}`);
        this.unanswered += 1;
        return;
      case 'poison':
        this.poison.push(record);
        return;
      case 'last-pieces':
        this.lastPieces.push(record);
        return;
      case 'phase':
        this.phases.push(record);
        return;
    }
  }

  /** Orders whose placing was accepted, by order id. */
  acceptedOrders(): Map<string, CommandStory> {
    const orders = new Map<string, CommandStory>();
    for (const story of this.stories.values()) {
      if (story.asked.intent === 'place-order' && story.accepted !== undefined) orders.set(orderIdOf(story.accepted.token), story);
    }
    return orders;
  }

  /** What was asked of each instance and answered 2xx, by its origin; in order. */
  instances(): Map<string, InstanceStory> {
    return new Map(
      [...this.targets].map(([origin, { askedAt, succeededAt }]) => [
        origin,
        { askedAt: inOrder(askedAt), succeededAt: inOrder(succeededAt) },
      ]),
    );
  }

  private sent(record: Sent, file: string): void {
    this.requests += 1;
    const { n, at, key, intent, attempt, token, path, fingerprintOf, target } = record;
    this.pending.set(`${file} ${n}`, { intent, attempt, key, token, path, at, target });
    this.targetAt(target).askedAt.push(at);
    if (key === null) {
      this.readAt.push(at);
      return;
    }
    this.sentAt.push(at);
    if (attempt === 'other-payload') return;
    const story = this.stories.get(key);
    if (story === undefined) {
      this.stories.set(key, { key, asked: askedBy(record), fingerprint: fingerprintOf, sentAt: at, where: `${file}, n = ${n}`, sends: 1 });
      return;
    }
    story.sends += 1;
    if (story.fingerprint !== fingerprintOf) this.complain('request-changed', 'was sent again with another payload', [key], file, n);
  }

  private answered(answer: Answered, file: string): void {
    const { n, status, code, retryAfter } = answer;
    const request = this.pending.get(`${file} ${n}`);
    this.pending.delete(`${file} ${n}`);
    if (request === undefined) return;
    const label = `${status}${code === undefined ? '' : ` ${code}`}`;
    this.answers.set(label, (this.answers.get(label) ?? 0) + 1);
    if (status >= 200 && status < 300) this.targetAt(request.target).succeededAt.push(answer.at);
    if (!isExpected(request, answer)) {
      const after = retryAfter === undefined ? '' : `, Retry-After ${retryAfter}`;
      this.complain('surprise', `${request.intent} ${request.path} was answered ${label}${after}`, [request.key ?? request.path], file, n);
    }
    if (request.key === null) this.read(request, answer, file);
    else if (request.attempt === 'other-payload') this.misused(request.key, answer, file);
    else this.command(request.key, answer, file);
  }

  private command(key: string, answer: Answered, file: string): void {
    const { n, at, status, code = '', body } = answer;
    const story = this.stories.get(key);
    if (story === undefined || !isFinal(answer)) return;
    const text = JSON.stringify([status, body]);
    const earlier = story.accepted ?? story.refused;
    if (earlier !== undefined) {
      // Refusals for want of validity are not kept by the system; a business refusal and an acceptance are. Its trace id is the first one's.
      if (earlier.text !== text) {
        this.complain('changed-answer', `command ${key} was first answered ${earlier.text}, then ${text}`, [key], file, n);
      }
      if (story.accepted !== undefined || !isAccepted(answer)) return;
    }
    if (isAccepted(answer)) {
      story.accepted = acceptanceOf(answer);
      this.commandSucceededAt.push(at);
    } else {
      story.refused = { n, at, status, code, text };
    }
  }

  private misused(key: string, answer: Answered, file: string): void {
    const { status, n } = answer;
    if (status < 300) this.complain('misuse', `key ${key} was accepted (${status}) with another payload than its own`, [key], file, n);
  }

  private read({ intent, token, path }: Pending, { status, body, at, n, code }: Answered, file: string): void {
    this.reads.answered += 1;
    if (code === 'projection-behind') this.reads.behind += 1;
    if (status !== 200) return;
    this.readSucceededAt.push(at);
    if (token === undefined) return;
    this.reads.withToken += 1;
    const wanted = Number(token.slice(token.lastIndexOf('@') + 1));
    const shown = Number(body?.['version']);
    // Not >=: a body without a version is no answer at all.
    if (!(shown >= wanted)) {
      const what = `${intent} ${path} showed version ${String(body?.['version'])}, its token says ${token}`;
      this.complain('stale-read', what, [token], file, n);
    }
  }

  private targetAt(origin: string): { askedAt: number[]; succeededAt: number[] } {
    const known = this.targets.get(origin) ?? { askedAt: [], succeededAt: [] };
    this.targets.set(origin, known);
    return known;
  }

  private complain(of: Complaint['of'], what: string, ids: readonly string[], file: string, n: number): void {
    this.complaints.push({ of, what, ids, where: `${file}, n = ${n}` });
  }
}

export const orderIdOf = (token: string): string => token.slice('order-'.length, token.lastIndexOf('@'));

const BUSINESS_REFUSALS = new Set([
  'order.already-rejected',
  'stock.below-zero',
  'stock.below-reserved',
  'stock.total-too-large',
  'order.total-too-large',
  'order.too-many-pieces',
  'order.too-large',
]);

/**
 * What a client of ours, who asks for nothing malformed and nothing that does not exist, may be answered: 2xx, a business rule, a key
 * already in use, or "later" with the time to wait. 429 and 503 must say when; nothing else of 5xx is ever expected.
 */
function isExpected({ attempt, key }: Pending, { status, code = '', retryAfter }: Answered): boolean {
  if (status === 429 || status === 503) return retryAfter !== undefined;
  if (key === null) return status === 200;
  // Accepted it is a misuse, and reported as that.
  if (attempt === 'other-payload') return code === 'idempotency-key-reused' || status < 300 || (status === 409 && retryAfter !== undefined);
  if (status === 409) return BUSINESS_REFUSALS.has(code) || retryAfter !== undefined;
  return status >= 200 && status < 300;
}
