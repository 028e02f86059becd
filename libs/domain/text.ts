import { DomainError } from './domain-error.js';

// PostgreSQL refuses NUL in text and NUL or an unpaired surrogate in jsonb; with the u flag Cs matches only unpaired ones.
const UNSTORABLE = /[\0\p{Cs}]/u;
const EVERY_UNSTORABLE = /[\0\p{Cs}]/gu;

/** Whether a text can be stored and sent as it is: no NUL, no lone surrogate. */
export const isStorableText = (text: string): boolean => !UNSTORABLE.test(text);

/**
 * Wording of others (a gateway's answer) made storable and at most `max` UTF-16 units long. Such text is mended rather than refused:
 * a fact must not get lost because of the way it was told.
 */
export const mendText = (text: string, max = 1_000): string => text.slice(0, max).replace(EVERY_UNSTORABLE, '\uFFFD');

/** Answers `text` or throws `code` when it is blank, longer than `max` UTF-16 units, or cannot be stored. */
export function requireText(text: string, max: number, code: DomainError['code'], field: string): string {
  if (text.trim() === '') throw new DomainError(code, `${field} must not be blank`, { field });
  if (text.length > max) throw new DomainError(code, `${field} must have at most ${max} characters`, { field, max });
  if (!isStorableText(text)) throw new DomainError(code, `${field} holds a NUL character or a lone surrogate`, { field });
  return text;
}

/** Whether a text can be a name that things are looked up by: without control characters, which nobody could type again. */
export const isPlainText = (text: string): boolean => !/[\p{Cc}\p{Cs}]/u.test(text);

/** Like {@link requireText}, for names that things are looked up by. */
export function requireName(text: string, max: number, code: DomainError['code'], field: string): string {
  if (!isPlainText(requireText(text, max, code, field))) throw new DomainError(code, `${field} holds a control character`, { field });
  return text;
}

/** Like {@link requireName}, and null for nothing or a blank. */
export function optionalName(text: string | null, max: number, code: DomainError['code'], field: string): string | null {
  return text === null || text.trim() === '' ? null : requireName(text, max, code, field);
}

/** Like {@link requireText}, and null for nothing or a blank. */
export function optionalText(text: string | null, max: number, code: DomainError['code'], field: string): string | null {
  return text === null || text.trim() === '' ? null : requireText(text, max, code, field);
}
