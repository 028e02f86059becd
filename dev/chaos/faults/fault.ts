import type { Poison } from '../history/history-record.js';
import type { ChaosLoad } from '../load/chaos-load.js';
import type { Random } from '../load/random.js';
import type { ChaosStack } from '../stack/chaos-stack.js';
import type { Hit } from '../stack/recovery.js';
import type { StackWatch } from '../stack/stack-watch.js';

/** What a fault cannot be done without, and not every machine has. */
export type Need = 'proxy' | 'failpoints' | 'clock';

export interface FaultContext {
  readonly stack: ChaosStack;
  readonly watch: StackWatch;
  readonly load: Pick<ChaosLoad, 'lastPieces' | 'sameKeyAtOnce'>;
  /** What goes on a topic and is no event of ours has to be known to the checkers. */
  readonly recordPoison: (poison: Poison) => void;
  readonly random: Random;
  readonly target: string;
  readonly holdMs: number;
  /** Aborted when everything is to end. */
  readonly signal: AbortSignal;
  /** Whether no other fault is on or not recovered from now. */
  readonly isAlone: () => boolean;
  /** Whether another fault was on, or not recovered from, at any moment since this one began. */
  readonly hadCompany: () => boolean;
}

export interface Injection {
  /** Ends the fault; absent for what is over once it is done. Called again after it has thrown. */
  readonly heal?: () => Promise<void>;
  /** What has to work again afterwards. */
  readonly hit: Hit;
  readonly note?: string;
  /** Something that must never be, seen while the fault was carried out. */
  readonly defect?: string;
  /** Asked once it is healed: whether what was armed was ever reached. Absent: it was on from the beginning. */
  readonly wasReached?: () => boolean;
}

/**
 * One way in which things go wrong.
 *
 * `inject` resolves when the fault is on; it is then held and healed. What it throws means that the fault could not be injected: it
 * has undone what it began.
 */
export interface FaultKind {
  readonly kind: string;
  readonly targets: readonly string[];
  /** Bounds for how long it is held, milliseconds. */
  readonly holdMs: readonly [least: number, most: number];
  /** How often it comes in one round of all kinds; default 1. */
  readonly weight?: number;
  readonly needs?: Need;
  /** Names of what no other fault may touch meanwhile; default the target. */
  readonly occupies?: (target: string) => readonly string[];
  inject(context: FaultContext): Promise<Injection>;
}
