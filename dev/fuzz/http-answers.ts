export interface HttpAnswer {
  readonly status: number;
  /** Names in small letters. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** What came back is not HTTP. */
export class NotHttpError extends Error {}

const HEAD_END = Buffer.from('\r\n\r\n');

/**
 * Reads complete answers off the front of a connection's bytes; informational ones (1xx) are passed over. `isHead(n)` tells whether the
 * nth answer is to a HEAD, which announces a length and sends nothing.
 * Our servers announce a length or send chunks; an answer that ends with its connection is read at `ended`.
 */
export class AnswerReader {
  readonly answers: HttpAnswer[] = [];
  private rest: Buffer = Buffer.alloc(0);

  constructor(private readonly isHead: (index: number) => boolean = () => false) {}

  /** Bytes of an answer that is not complete. */
  get pending(): number {
    return this.rest.length;
  }

  /** @throws NotHttpError */
  push(bytes: Buffer, ended = false): void {
    this.rest = this.rest.length === 0 ? bytes : Buffer.concat([this.rest, bytes]);
    while (this.rest.length > 0) {
      const read = this.readOne(ended);
      if (read === undefined) return;
      this.rest = this.rest.subarray(read.length);
      if (read.answer.status >= 200) this.answers.push(read.answer);
    }
  }

  private readOne(ended: boolean): { answer: HttpAnswer; length: number } | undefined {
    const headEnd = this.rest.indexOf(HEAD_END);
    if (headEnd < 0) {
      if (this.rest.length > 100_000) throw new NotHttpError('an answer whose head does not end');
      return undefined;
    }
    const [first = '', ...lines] = this.rest.subarray(0, headEnd).toString('latin1').split('\r\n');
    const status = Number(/^HTTP\/1\.1 (\d{3})(?: |$)/.exec(first)?.[1]);
    if (Number.isNaN(status)) throw new NotHttpError(`an answer that begins with ${JSON.stringify(first.slice(0, 60))}`);
    const headers = Object.fromEntries(lines.map((line) => split(line)));
    const start = headEnd + HEAD_END.length;
    const without = status < 200 || status === 204 || status === 304 || this.isHead(this.answers.length);
    if (without) return { answer: { status, headers, body: Buffer.alloc(0) }, length: start };
    // An endless answer is not waited for: the reader is at its end.
    if (headers['content-type']?.startsWith('text/event-stream')) {
      return { answer: { status, headers, body: this.rest.subarray(start) }, length: this.rest.length };
    }
    if (headers['transfer-encoding'] === 'chunked') {
      const chunked = this.readChunks(start);
      return chunked && { answer: { status, headers, body: chunked.body }, length: chunked.end };
    }
    const length = headers['content-length'];
    if (length === undefined) {
      if (!ended) return undefined;
      return { answer: { status, headers, body: this.rest.subarray(start) }, length: this.rest.length };
    }
    const end = start + Number(length);
    return this.rest.length < end ? undefined : { answer: { status, headers, body: this.rest.subarray(start, end) }, length: end };
  }

  private readChunks(start: number): { body: Buffer; end: number } | undefined {
    const parts: Buffer[] = [];
    for (let at = start; ;) {
      const lineEnd = this.rest.indexOf('\r\n', at);
      if (lineEnd < 0) return undefined;
      const size = Number.parseInt(this.rest.subarray(at, lineEnd).toString('latin1'), 16);
      if (Number.isNaN(size)) throw new NotHttpError('a chunk without a size');
      const end = lineEnd + 2 + size + 2;
      if (this.rest.length < end) return undefined;
      if (size === 0) return { body: Buffer.concat(parts), end };
      parts.push(this.rest.subarray(lineEnd + 2, end - 2));
      at = end;
    }
  }
}

function split(line: string): [string, string] {
  const colon = line.indexOf(':');
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
}
