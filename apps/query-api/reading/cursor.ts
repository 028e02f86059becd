import { createHash } from 'node:crypto';
import { isStorableText } from '#platform';

/** A place in a sorted list: the sort key of the last row that was given out. */
export type CursorKey = string | number;
export type CursorKeyKind = 'text' | 'integer' | 'instant';

const MAX_CURSOR_LENGTH = 1_000;
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z$/;

/** The cursor is damaged, made by another list, or made for other filters. */
export class InvalidCursorError extends Error {
  constructor(readonly problem: 'malformed' | 'other-list') {
    super(
      problem === 'malformed' ? 'The cursor is not one we gave out.' : 'The cursor belongs to another list, sort order or set of filters.',
    );
    this.name = 'InvalidCursorError';
  }
}

/**
 * Opaque page marks for one list under one set of filters. A cursor carries the list's fingerprint, so it cannot continue another list,
 * and keys whose kinds are checked again on the way in: nothing in it reaches SQL but as a parameter of the expected type.
 */
export class Cursors {
  private readonly fingerprint: string;

  /** `list` names the list, its order and every filter in force. */
  constructor(
    list: Readonly<Record<string, unknown>>,
    private readonly kinds: readonly CursorKeyKind[],
  ) {
    this.fingerprint = createHash('sha256').update(JSON.stringify(list)).digest('base64url').slice(0, 8);
  }

  encode(keys: readonly CursorKey[]): string {
    return Buffer.from(JSON.stringify([this.fingerprint, ...keys])).toString('base64url');
  }

  /** @throws InvalidCursorError */
  decode(cursor: string): CursorKey[] {
    if (cursor.length > MAX_CURSOR_LENGTH || !/^[\w-]+$/.test(cursor)) throw new InvalidCursorError('malformed');
    let parsed: unknown;
    try {
      parsed = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    } catch {
      throw new InvalidCursorError('malformed');
    }
    if (!Array.isArray(parsed) || typeof parsed[0] !== 'string') throw new InvalidCursorError('malformed');
    if (parsed[0] !== this.fingerprint) throw new InvalidCursorError('other-list');
    const keys: unknown[] = parsed.slice(1);
    if (keys.length !== this.kinds.length) throw new InvalidCursorError('malformed');
    return keys.map((key, index) => checked(key, this.kinds[index]!));
  }
}

function checked(key: unknown, kind: CursorKeyKind): CursorKey {
  if (kind === 'integer' && typeof key === 'number' && Number.isSafeInteger(key)) return key;
  // Postgres refuses NUL and lone surrogates in text, and would answer with an error that is not the client's to see.
  if (kind === 'text' && typeof key === 'string' && isStorableText(key)) return key;
  if (kind === 'instant' && typeof key === 'string' && INSTANT.test(key) && !Number.isNaN(Date.parse(key))) return key;
  throw new InvalidCursorError('malformed');
}
