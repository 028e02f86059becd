import { hash } from 'node:crypto';

/** A weak tag over the answer's own bytes: two answers with the same tag say the same. */
export const weakTag = (body: string): string => `W/"${hash('sha1', body, 'base64url').slice(0, 20)}"`;

/** `If-None-Match` by weak comparison (RFC 9110, 13.1.2): `*`, or a list holding the tag, weak or strong. */
export function matchesTag(ifNoneMatch: string | undefined, tag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch.trim() === '*') return true;
  const opaque = tag.replace(/^W\//, '');
  return ifNoneMatch.split(',').some((candidate) => candidate.trim().replace(/^W\//, '') === opaque);
}
