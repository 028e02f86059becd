import { hash } from 'node:crypto';

/** Tells whether two requests are the same command: method, path and body, whatever the order of the body's fields. */
export function fingerprintOf(method: string, path: string, body: unknown): string {
  return hash('sha256', `${method}\n${path}\n${JSON.stringify(canonical(body)) ?? ''}`, 'base64url');
}

function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  // a list, not an object: assignment would move integer-like keys and drop __proto__
  const names = Object.keys(value).sort();
  return { fields: names.map((name) => [name, canonical((value as Record<string, unknown>)[name])]) };
}
