/** Proves that I1 and I2 see it when an accepted command is lost or altered, and when one takes effect twice or against its answer. */
import { describe, expect, it } from 'vitest';
import { checkAcceptedCommands } from './accepted-commands.check.js';
import { checkSingleEffects } from './single-effects.check.js';
import { cancelled, effects, KEY, placed, SmallHistory } from './testing/small-run.js';
import type { Judgement } from './violations.js';

const NOTHING = { count: 0, kept: [] };
const found = ({ violations }: Judgement) => violations.kept.map(({ what, ids }) => `${what} [${ids.join(', ')}]`);
const lost = (history: SmallHistory, ...stored: Parameters<typeof effects>) =>
  found(checkAcceptedCommands(history.digest, effects(...stored)));
const twice = (history: SmallHistory, ...stored: Parameters<typeof effects>) =>
  found(checkSingleEffects(history.digest, effects(...stored), NOTHING));

describe('I1, accepted commands', () => {
  it('holds when the event says what was asked for, in its one spelling', () => {
    expect(lost(new SmallHistory().order(), placed())).toEqual([]);
  });

  it('finds an accepted order that is not in the store', () => {
    expect(lost(new SmallHistory().order())).toEqual([
      `place-order ${KEY} was accepted with 201 and is not in the store [${KEY}, order-o1@1]`,
    ]);
  });

  it('finds one whose only answer came after a retry', () => {
    const history = new SmallHistory().order('none').order({}, { attempt: 'retry' });
    expect(lost(history)).toHaveLength(1);
  });

  it('finds an event that is elsewhere than the client was told', () => {
    expect(lost(new SmallHistory().order(), placed({ streamId: 'order-o2' }))).toEqual([
      `place-order ${KEY} was answered with order-o1@1, but its event is order-o2@1 [${KEY}, order-o1@1, order-o2@1]`,
    ]);
  });

  it('finds an event that says something else', () => {
    expect(lost(new SmallHistory().order(), placed({ says: '1 GBP' }))[0]).toContain('order-o1@1 is OrderPlaced "1 GBP"');
  });

  it('lets a cancellation change nothing only when there was one before', () => {
    const history = new SmallHistory().order().cancel('first').cancel('second');
    expect(lost(history, placed(), cancelled('first'))).toEqual([]);
    expect(lost(history, placed())).toEqual([
      'cancel-order first was accepted with 200 and is not in the store [first, order-o1@2]',
      'cancel-order second was accepted with 200 and is not in the store [second, order-o1@2]',
    ]);
    expect(lost(history, placed(), cancelled('first', { version: 3 }))).toHaveLength(2);
  });

  it('asks for nothing of a command that was refused or never answered, but for one that was accepted', () => {
    const nothing = ['no command was ever accepted: nothing was proved []'];
    expect(lost(new SmallHistory().order({ status: 409, code: 'order.too-large', body: null }))).toEqual(nothing);
    expect(lost(new SmallHistory().order('none'))).toEqual(nothing);
  });
});

describe('I2, single effects', () => {
  it('holds for one effect of many sends', () => {
    const history = new SmallHistory().order('none').order({}, { attempt: 'retry' }).order({}, { attempt: 'repeat' });
    expect(twice(history, placed())).toEqual([]);
  });

  it('finds a second effect of one key', () => {
    const history = new SmallHistory().order('none').order({}, { attempt: 'retry' });
    const second = placed({ streamId: 'order-o2', causationId: 'c2' });
    expect(twice(history, placed(), second)).toEqual([
      `place-order ${KEY} was sent 2 times and has 2 effects of 2 causes [${KEY}, order-o1@1, order-o2@1]`,
    ]);
  });

  it('finds an effect of a command that was refused', () => {
    const refused = new SmallHistory().order({ status: 409, code: 'order.too-large', body: null });
    expect(twice(refused, placed())).toEqual([
      `place-order ${KEY} was refused with 409 order.too-large and has an effect [${KEY}, order-o1@1]`,
    ]);
  });

  it('lets a command without an answer have its effect, but no other', () => {
    expect(twice(new SmallHistory().order('none'), placed())).toEqual([]);
    expect(twice(new SmallHistory().order('none'), placed({ says: 'more' }))[0]).toContain('and did "more"');
  });

  it('finds what nobody asked for', () => {
    expect(twice(new SmallHistory().order(), placed(), cancelled('stranger'), cancelled('', { key: null, version: 3 }))).toEqual([
      'nobody asked for OrderCancelled stranger [stranger, order-o1@2]',
      'nobody asked for OrderCancelled at order-o1@3 [order-o1@3]',
    ]);
  });

  it('finds an answer that changed', () => {
    const history = new SmallHistory().order().order({ body: { orderId: 'o2', consistencyToken: 'order-o2@1' } }, { attempt: 'repeat' });
    expect(twice(history, placed())[0]).toContain(`command ${KEY} was first answered [201,{"orderId":"o1"`);
    const refusedLater = new SmallHistory().order().order({ status: 409, code: 'order.too-large', body: null }, { attempt: 'retry' });
    expect(twice(refusedLater, placed())).toHaveLength(1);
  });

  it('takes "still running" and "later" for no answer at all', () => {
    const history = new SmallHistory()
      .order()
      .order({ status: 409, code: 'command-running', retryAfter: 1, body: null }, { attempt: 'at-once' })
      .order({ status: 503, code: 'unavailable', retryAfter: 1, body: null }, { attempt: 'retry' });
    expect(twice(history, placed())).toEqual([]);
  });

  it('finds a key that was accepted with another payload', () => {
    const history = new SmallHistory().order().order({}, { attempt: 'other-payload', body: { lines: [] } });
    expect(twice(history, placed())).toEqual([`key ${KEY} was accepted (201) with another payload than its own [${KEY}]`]);
  });

  it('takes over what the saga did twice', () => {
    const judgement = checkSingleEffects(new SmallHistory().order().digest, effects(placed()), { count: 2, kept: ['payment-o1: twice'] });
    expect([judgement.violations.broken, found(judgement)]).toEqual([2, ['payment-o1: twice [payment-o1]']]);
  });
});
