import { placeOf, type ClientEffects } from './client-effects.js';
import { saidBy } from './command-story.js';
import type { HistoryDigest } from './history-digest.js';
import type { ClientEffect } from './store-facts.js';
import { number, Violations, type Judgement } from './violations.js';

/** The saga's own repeats, found in the store: sentences that begin with the stream. */
export interface RepeatedEffects {
  readonly count: number;
  readonly kept: readonly string[];
}

/**
 * I2: a command has at most one effect, however often it was sent and whatever it was answered; none when it was refused; none with
 * another payload than its own; the same final answer every time; and nothing happened that nobody asked for.
 */
export function checkSingleEffects(history: HistoryDigest, effects: ClientEffects, repeated: RepeatedEffects): Judgement {
  const violations = new Violations();
  let unknown = 0;
  let unknownWithEffect = 0;
  let sends = 0;
  for (const story of history.stories.values()) {
    const { key, asked, accepted, refused, where } = story;
    const own = effects.byKey.get(key) ?? [];
    sends += story.sends;
    if (own.length > 1) {
      const causes = new Set(own.map(({ causationId }) => causationId)).size;
      violations.add(
        `${asked.intent} ${key} was sent ${story.sends} times and has ${own.length} effects of ${causes} causes`,
        [key, ...places(own)],
        where,
      );
    }
    if (accepted === undefined && refused !== undefined && own.length > 0) {
      violations.add(
        `${asked.intent} ${key} was refused with ${refused.status} ${refused.code} and has an effect`,
        [key, ...places(own)],
        where,
      );
    }
    if (accepted === undefined && refused === undefined) {
      unknown += 1;
      if (own.length > 0) unknownWithEffect += 1;
      for (const effect of own) {
        if (effect.says === saidBy(asked)) continue;
        violations.add(`${asked.intent} ${key} asked for "${saidBy(asked)}" and did "${effect.says}"`, [key, placeOf(effect)], where);
      }
    }
  }
  for (const [key, own] of effects.byKey) {
    if (!history.stories.has(key)) violations.add(`nobody asked for ${own[0]!.type} ${key}`, [key, ...places(own)], lookAt(own[0]!));
  }
  for (const effect of effects.nameless)
    violations.add(`nobody asked for ${effect.type} at ${placeOf(effect)}`, [placeOf(effect)], lookAt(effect));
  for (const { of, what, ids, where } of history.complaints) {
    if (of === 'changed-answer' || of === 'misuse' || of === 'request-changed') violations.add(what, ids, where);
  }
  violations.take(repeated.count, repeated.kept, 'tidemark.events');
  return {
    checked: `${number(history.stories.size)} commands sent ${number(sends)} times have ${number(effects.count)} effects; ${number(unknown)} never got a final answer, ${number(unknownWithEffect)} of them took effect`,
    counted: { commands: history.stories.size, sends, effects: effects.count, unknown, unknownWithEffect },
    violations,
  };
}

const places = (effects: readonly ClientEffect[]): string[] => effects.map(placeOf);
const lookAt = ({ streamId }: ClientEffect): string => `SELECT * FROM tidemark.events WHERE stream_id = '${streamId}'`;
