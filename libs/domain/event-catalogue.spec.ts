// Proves that the lists over all events cannot drift from the events' types, and that foreign names are told apart.
import { describe, expect, it } from 'vitest';
import { domainEventTypes, eventCategory, isDomainEventType } from './event-catalogue.js';
import type { Personal, PersonalPath } from './personal-data.js';
import { personalDataOf } from './personal-data-of.js';

describe('the event catalogue', () => {
  it('knows its own types and no others', () => {
    expect(domainEventTypes.every(isDomainEventType)).toBe(true);
    expect(['', 'orderPlaced', 'OrderShipped', 'toString', '__proto__'].some(isDomainEventType)).toBe(false);
  });

  it('gives each type the category of its streams', () => {
    expect(eventCategory('OrderPlaced')).toBe('order');
    expect(eventCategory('StockReservationRejected')).toBe('stock');
    expect(eventCategory('PaymentVoided')).toBe('payment');
    expect(eventCategory('FulfilmentParked')).toBe('fulfilment');
  });
});

describe('personal data', () => {
  it('is listed for every event that carries some', () => {
    const listed = domainEventTypes.filter((type) => personalDataOf(type).length > 0);
    expect(listed).toEqual(['OrderPlaced', 'PaymentRequested', 'FulfilmentStarted']);
    expect(personalDataOf('OrderPlaced')).toEqual(['customer.name', 'customer.email', 'paymentToken']);
  });

  it('cannot be marked in a type and left out of the list', () => {
    interface Sample {
      readonly plain: string;
      readonly token: Personal<string>;
      readonly buyer: { readonly id: string; readonly name: Personal<string> | null };
      readonly guests: readonly { readonly email: Personal<string>; readonly age: number }[];
    }
    const complete: Record<PersonalPath<Sample>, true> = { token: true, 'buyer.name': true, 'guests.*.email': true };
    // @ts-expect-error a marked field is missing
    const incomplete: Record<PersonalPath<Sample>, true> = { token: true, 'buyer.name': true };
    // @ts-expect-error an unmarked field is listed
    const excessive: Record<PersonalPath<Sample>, true> = { ...complete, plain: true };
    expect([complete, incomplete, excessive].map((paths) => Object.keys(paths).length)).toEqual([3, 2, 4]);
  });
});
