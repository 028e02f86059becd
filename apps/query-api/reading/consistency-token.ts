/** Says "I have seen this stream at this version"; a query given it must not answer from anything older. */
export interface ConsistencyToken {
  readonly streamId: string;
  readonly version: number;
}

/** Longest token accepted, in characters. */
export const MAX_TOKEN_LENGTH = 300;

/** One `<stream>@<version>`; the version follows the last `@`, since a SKU may hold one itself. No control characters. */
export const TOKEN_PATTERN = /^(order|stock|payment|fulfilment)-[^\p{Cc}\p{Cs}]+@[1-9]\d{0,8}$/u;

/** Longest header accepted, in characters: every one of them may be written as three bytes of three. */
export const MAX_HEADER_TOKEN_LENGTH = 9 * MAX_TOKEN_LENGTH;

/**
 * A token as the header carries it, for whoever documents it: characters that are not ASCII as UTF-8 of two or three bytes. Others are taken
 * as well (see {@link parseHeaderToken}); these are the ones that every writer makes.
 */
export const HEADER_TOKEN_SCHEMA = {
  type: 'string' as const,
  pattern:
    '^(order|stock|payment|fulfilment)-(?:[!-$&-~]|%(?:[2-6][0-9A-F]|7[0-9A-E]|C[3-9A-F]%[89AB][0-9A-F]|D[0-9A-F]%[89AB][0-9A-F]|E[1-9A-C]%[89AB][0-9A-F]%[89AB][0-9A-F])){1,90}(?:@|%40)[1-9][0-9]{0,8}$',
  examples: ['order-01890a5d-ac96-774b-bcce-b302099a8057%401', 'stock-85123A@1'],
};

/** Answers undefined when the text is no token. */
export function parseConsistencyToken(text: string): ConsistencyToken | undefined {
  if (text.length > MAX_TOKEN_LENGTH || !TOKEN_PATTERN.test(text)) return undefined;
  const at = text.lastIndexOf('@');
  return { streamId: text.slice(0, at), version: Number(text.slice(at + 1)) };
}

/** A token as the header carries it: percent-encoded, all of it or only what is not ASCII. */
export function parseHeaderToken(header: string): ConsistencyToken | undefined {
  if (header.length > MAX_HEADER_TOKEN_LENGTH || !/^[\x20-\x7e]*$/.test(header)) return undefined;
  try {
    return parseConsistencyToken(decodeURIComponent(header));
  } catch {
    return undefined;
  }
}

export const formatConsistencyToken = (token: ConsistencyToken): string => `${token.streamId}@${token.version}`;
