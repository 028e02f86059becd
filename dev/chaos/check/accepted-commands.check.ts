import { placeOf, type ClientEffects } from './client-effects.js';
import { EFFECT_OF, saidBy, type Acceptance, type CommandStory } from './command-story.js';
import type { HistoryDigest } from './history-digest.js';
import { number, Violations, type Judgement } from './violations.js';

/**
 * I1: whatever a client was answered 2xx for is in the event store: under the key it put into its own data, at the stream and version it
 * was told, saying what it asked for. What the system keeps about commands and answers is not looked at.
 */
export function checkAcceptedCommands(history: HistoryDigest, effects: ClientEffects): Judgement {
  const violations = new Violations();
  let accepted = 0;
  let withoutChange = 0;
  for (const story of history.stories.values()) {
    if (story.accepted === undefined) continue;
    accepted += 1;
    const [effect, ...more] = effects.byKey.get(story.key) ?? [];
    if (effect === undefined) {
      if (isCancelledAlready(story, story.accepted, effects)) withoutChange += 1;
      else
        violations.add(
          `${tell(story)} was accepted with ${story.accepted.status} and is not in the store`,
          [story.key, story.accepted.token],
          story.where,
        );
      continue;
    }
    // More than one is for I2; here one of them must be the right one.
    const right = [effect, ...more].find((each) => placeOf(each) === story.accepted!.token);
    if (right === undefined) {
      violations.add(
        `${tell(story)} was answered with ${story.accepted.token}, but its event is ${placeOf(effect)}`,
        [story.key, story.accepted.token, placeOf(effect)],
        story.where,
      );
    } else if (right.type !== EFFECT_OF[story.asked.intent] || right.says !== saidBy(story.asked)) {
      violations.add(
        `${tell(story)} asked for "${saidBy(story.asked)}", ${placeOf(right)} is ${right.type} "${right.says}"`,
        [story.key, placeOf(right)],
        story.where,
      );
    }
  }
  if (accepted === 0) violations.add('no command was ever accepted: nothing was proved', [], 'history');
  return {
    checked: `${number(accepted)} accepted commands are in the store as they were asked for, ${number(withoutChange)} of them had nothing left to change`,
    counted: { accepted, withoutChange },
    violations,
  };
}

/** Cancelling what somebody else cancelled before is accepted and changes nothing: the cancellation must be there, no later than told. */
function isCancelledAlready({ asked }: CommandStory, { token }: Acceptance, effects: ClientEffects): boolean {
  if (asked.intent !== 'cancel-order') return false;
  const cancelled = effects.cancelled.get(`order-${asked.orderId}`);
  return cancelled !== undefined && cancelled.version <= Number(token.slice(token.lastIndexOf('@') + 1));
}

const tell = ({ asked, key }: CommandStory): string => `${asked.intent} ${key}`;
