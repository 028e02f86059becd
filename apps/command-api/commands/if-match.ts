import { headerInvalid } from '../problems.js';

/** Entity tags a client insists on; the tag of a stream is its version in quotes. */
export type IfMatch = { readonly any: true } | { readonly any: false; readonly versions: ReadonlySet<number> };

const LIST = /^(?:W\/)?"[\x21\x23-\x7e]*"(?:[ \t]*,[ \t]*(?:W\/)?"[\x21\x23-\x7e]*")*$/;

/** What the header may hold, for whoever documents it. */
export const IF_MATCH_PATTERN = '^([*]|(W/)?"[!#-~]*"([ \t]*,[ \t]*(W/)?"[!#-~]*")*)$';

/**
 * Reads If-Match; undefined when it was not sent. Weak and foreign tags match no version, as strong comparison demands.
 * @throws ProblemError `header-invalid`
 */
export function parseIfMatch(header: string | undefined): IfMatch | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  if (text === '*') return { any: true };
  if (!LIST.test(text)) throw headerInvalid('If-Match', '* or entity tags in quotes, separated by commas');
  const strong = [...text.matchAll(/(W\/)?"([^"]*)"/g)].filter(([, weak]) => weak === undefined).map(([, , tag]) => tag ?? '');
  return { any: false, versions: new Set(strong.filter((tag) => /^[1-9]\d{0,9}$/.test(tag)).map(Number)) };
}

/** `version` 0 is a stream that does not exist: nothing matches it. */
export const matches = (ifMatch: IfMatch, version: number): boolean => version > 0 && (ifMatch.any || ifMatch.versions.has(version));
