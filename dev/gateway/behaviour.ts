import type { Operation } from './payment.js';

/** How the simulator treats a payment; chosen by its token, so that a test or a sample order says what shall go wrong. */
export interface Behaviour {
  /** Refuses the authorization with this code. */
  readonly declineCode?: string;
  /** Does it, then holds the answer back, milliseconds. */
  readonly answerDelayMs?: number;
  /** Does it only after this time, milliseconds; a look-up before finds nothing done. */
  readonly workDelayMs?: number;
  /** Answers 500 to the first n requests of each operation, doing nothing. */
  readonly failFirst?: number;
  /** Does this operation, then drops the connection. A repeat with the same key is answered. */
  readonly noAnswerTo?: Operation;
  /** Answers 503 to everything. */
  readonly down?: boolean;
  /** Calls the authorization a malformed request (422): nothing a customer or a repeat could mend. */
  readonly rejects?: boolean;
  /** Authorizes, then declines the capture. */
  readonly declineCapture?: boolean;
}

const MAX_DELAY_MS = 600_000;

const PATTERNS: ReadonlyArray<readonly [RegExp, (argument: string) => Behaviour]> = [
  [/^tok_ok$/, () => ({})],
  [/^tok_declined(?:_([a-z0-9_-]+))?$/, (code) => ({ declineCode: code === '' ? 'card-declined' : code })],
  [/^tok_slow_(\d{1,9})$/, (ms) => ({ answerDelayMs: Math.min(Number(ms), MAX_DELAY_MS) })],
  [/^tok_late_(\d{1,9})$/, (ms) => ({ workDelayMs: Math.min(Number(ms), MAX_DELAY_MS) })],
  [/^tok_fail_(\d{1,4})$/, (count) => ({ failFirst: Number(count) })],
  [/^tok_noanswer_(authorize|capture|void|refund)$/, (operation) => ({ noAnswerTo: operation as Operation })],
  [/^tok_down$/, () => ({ down: true })],
  [/^tok_rejected$/, () => ({ rejects: true })],
  [/^tok_pass_then_fail_capture$/, () => ({ declineCapture: true })],
];

/** Any other token is a card the gateway does not know, and is declined. */
export function behaviourOf(token: string): Behaviour {
  for (const [pattern, make] of PATTERNS) {
    const match = pattern.exec(token);
    if (match !== null) return make(match[1] ?? '');
  }
  return { declineCode: 'unknown-token' };
}
