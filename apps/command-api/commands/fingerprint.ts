import { hash } from 'node:crypto';

/** Tells whether two requests are the same command: method, path and body, whatever the order of the body's fields. */
export function fingerprintOf(method: string, path: string, body: unknown): string {
  return hash('sha256', `${method}\n${path}\n${JSON.stringify(canonical(body)) ?? ''}`, 'base64url');
}

function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  // entries, not an object: assignment would move integer-like keys and drop __proto__
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return { fields: entries.map(([key, item]) => [key, canonical(item)]) };
}
