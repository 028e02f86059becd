import { createHash } from 'node:crypto';

type Part = string | Buffer;

/** Key, value and headers, of whatever library. Texts count as their UTF-8 bytes. */
export interface MessageBytes {
  readonly key?: Part | null | undefined;
  readonly value: Part | null;
  readonly headers?: Readonly<Record<string, Part | readonly Part[] | undefined>> | undefined;
}

/** SHA-256 (hexadecimal) of everything a message carries: two are the same, byte by byte, when theirs are. The order of headers says nothing. */
export function messageDigest({ key, value, headers = {} }: MessageBytes): string {
  const parts = Object.entries(headers)
    .filter((entry): entry is [string, Part | readonly Part[]] => entry[1] !== undefined)
    .map(([name, parts]) => [name, [parts].flat().map(base64)] as const)
    .sort(([one], [other]) => (one < other ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify([base64(key ?? null), base64(value), parts]))
    .digest('hex');
}

const base64 = (part: Part | null): string | null => (part === null ? null : Buffer.from(part as string).toString('base64'));
