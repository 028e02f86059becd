/**
 * Regular expressions of ours use `\p{…}` and JavaScript's idea of `\s` and `\d`. Few readers of a JSON Schema know the first, and the
 * others mean something else in Python, Java and Go. In the documents we give out these are spelled out as ranges.
 */
export function portablePattern(pattern: string): string {
  let result = '';
  let inClass = false;
  for (let at = 0; at < pattern.length; at += 1) {
    const char = pattern[at] as string;
    if (char === '\\') {
      const escape = /^\\(?:p\{(\w+)\}|.)/s.exec(pattern.slice(at)) as RegExpExecArray;
      result += spelled(escape[0], escape[1], inClass);
      at += escape[0].length - 1;
      continue;
    }
    if (char === '[') inClass = true;
    if (char === ']') inClass = false;
    result += char;
  }
  return result;
}

const RANGES: Readonly<Record<string, string>> = {
  '\\s': '\\t\\n\\v\\f\\r \\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000\\ufeff',
  '\\d': '0-9',
  Cc: '\\u0000-\\u001f\\u007f-\\u009f',
  /** Those of the basic plane: the few beyond it have no spelling that all readers share. */
  Cf: '\\u00ad\\u0600-\\u0605\\u061c\\u06dd\\u070f\\u0890\\u0891\\u08e2\\u180e\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u2064\\u2066-\\u206f\\ufeff\\ufff9-\\ufffb',
  /** Half a surrogate pair cannot be sent as UTF-8, and several engines refuse a pattern that names one. */
  Cs: '',
  Zl: '\\u2028',
  Zp: '\\u2029',
};

function spelled(escape: string, property: string | undefined, inClass: boolean): string {
  const negated = escape === '\\S' ? '\\s' : undefined;
  const ranges = RANGES[property ?? negated ?? escape];
  if (property !== undefined && ranges === undefined) throw new Error(`no ranges are known for \\p{${property}}`);
  if (ranges === undefined) return escape;
  if (!inClass) return negated === undefined ? `[${ranges}]` : `[^${ranges}]`;
  if (negated !== undefined) throw new Error('\\S inside a class has no portable spelling');
  return ranges;
}

/** Every `pattern` of a JSON document, in place. */
export function makePatternsPortable(node: unknown): void {
  if (typeof node !== 'object' || node === null) return;
  for (const [key, value] of Object.entries(node)) {
    if (key === 'pattern' && typeof value === 'string') (node as Record<string, unknown>)[key] = portablePattern(value);
    else makePatternsPortable(value);
  }
}
