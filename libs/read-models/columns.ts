import type { ValueTransformer } from 'typeorm';

/**
 * `bigint` as a JavaScript number: amounts and quantities are checked to be safe integers before they become events, so the
 * driver's strings (made for 64 bits) would only spread parsing over every reader. Sums over many orders are exact in the database;
 * one above 2^53 (9,007 orders of the highest total there may be) is read as the nearest double.
 */
const safeInteger: ValueTransformer = {
  to: (value: number | null | undefined): number | null | undefined => value,
  from: (value: string | number | null): number | null => (value === null ? null : Number(value)),
};

interface Nullability<N extends boolean> {
  nullable?: N;
}

/** Counts, pieces and minor units of money. */
export const whole = <N extends boolean = false>(name: string, options: Nullability<N> = {}) =>
  ({ name, type: 'bigint', transformer: safeInteger, ...options }) as const;

/** Milliseconds, not microseconds: what travels through Kafka and what is read from the store must give equal rows. */
export const moment = <N extends boolean = false>(name: string, options: Nullability<N> = {}) =>
  ({ name, type: 'timestamp with time zone', precision: 3, ...options }) as const;

export const text = <N extends boolean = false>(name: string, options: Nullability<N> = {}) =>
  ({ name, type: 'text', ...options }) as const;

/** Small whole numbers: versions, line numbers, attempts. */
export const int = <N extends boolean = false>(name: string, options: Nullability<N> = {}) =>
  ({ name, type: 'integer', ...options }) as const;

export const flag = (name: string) => ({ name, type: 'boolean' }) as const;

/** A whole number that PostgreSQL keeps in step with the other columns of its row; nobody writes it. */
export const computed = (name: string, asExpression: string) =>
  ({ name, type: 'bigint', transformer: safeInteger, generatedType: 'STORED', asExpression, insert: false, update: false }) as const;
