import { hash } from 'node:crypto';

/** 8 bytes: among a hundred million records it takes two different ones for the same less than once in a thousand runs. */
const HEX_DIGITS = 16;

/**
 * What an event says, short: of its type, the version of its schema and its data, whatever the order of the keys and the white space.
 * jsonb keeps neither, and a relay may send either; everything else must arrive as it was stored. 16 hex digits.
 */
export function contentDigest(type: string, schemaVersion: number | string, data: unknown): string {
  return hash('sha1', `${type}\n${schemaVersion}\n${canonical(data)}`, 'hex').slice(0, HEX_DIGITS);
}

/** By hand: done for every record and every event, and a tree with sorted keys would have to be built first. */
function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  let text = '{';
  for (const name of Object.keys(value).sort()) text += `${JSON.stringify(name)}:${canonical((value as Record<string, unknown>)[name])},`;
  return `${text}}`;
}
