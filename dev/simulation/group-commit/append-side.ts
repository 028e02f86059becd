import { SqlError, type Statements, type StatementResult } from '../postgres/statements.js';
import { MemoryTable, type Transaction } from '../postgres/transaction.js';

export interface AppendedEvent {
  readonly streamId: string;
  readonly version: number;
  readonly eventId: string;
}

export interface StoredCommand {
  readonly key: string;
  readonly commandId: string;
  readonly fingerprint: string;
  readonly status: number;
  readonly body: unknown;
}

interface Head {
  readonly version: number;
}

interface Write {
  readonly streamId: string;
  readonly expected: number;
  readonly eventIds: readonly string[];
}

interface Asked {
  readonly command: StoredCommand | undefined;
  readonly writes: readonly Write[];
}

/** Data that jsonb would refuse. */
export const MALFORMED = 'malformed';

/** As tidemark.append sets it, milliseconds. */
const LOCK_TIMEOUT_MS = 1_500;

const VERDICT_COLUMNS = [
  ['request', 'int4'],
  ['outcome', 'text'],
  ['stream_id', 'text'],
  ['expected_version', 'int4'],
  ['actual_version', 'int4'],
  ['command_id', 'text'],
  ['status', 'int4'],
  ['headers', 'jsonb'],
  ['body', 'jsonb'],
] as const;

/** tidemark.append over memory, commands and their keys included. What the function promises, not how it gets there. */
export class AppendSide {
  readonly events = new MemoryTable<AppendedEvent>('events');
  readonly commands = new MemoryTable<StoredCommand>('commands');
  readonly streams = new MemoryTable<Head>('streams');

  constructor(
    statements: Statements,
    /** Called before an append; may throw what a server throws at times. */
    private readonly mayFail: () => void,
  ) {
    statements
      .name('tidemark-append', (transaction, values) => this.append(transaction, values as unknown[][]))
      .name('tidemark-held-streams', (transaction, [ids]) => ({
        columns: [['stream_id', 'text']],
        rows: (ids as string[])
          .filter(
            (id) => transaction.get(this.streams, id) !== undefined && !transaction.tryLockRow(this.streams as MemoryTable<never>, id),
          )
          .map((id) => [id]),
      }));
  }

  versionOf(streamId: string): number {
    return this.streams.rows.get(streamId)?.version ?? 0;
  }

  private append(transaction: Transaction, values: unknown[][]): StatementResult {
    const asked = requestsOf(values);
    transaction.lockTimeoutMs = LOCK_TIMEOUT_MS;
    const keys = new Set(asked.flatMap(({ command }) => (command === undefined ? [] : [command.key])));
    const streams = new Set(asked.flatMap(({ writes }) => writes.map(({ streamId }) => streamId)));
    for (const key of [...keys].sort()) transaction.lockRow(this.commands as MemoryTable<never>, key);
    for (const id of [...streams].sort()) transaction.lockRow(this.streams as MemoryTable<never>, id);
    if ((values[24] as string[]).some((data) => data.includes(MALFORMED)))
      throw new SqlError('22P05', 'unsupported Unicode escape sequence');
    this.mayFail();
    const rows = asked.flatMap((request, index) => {
      const refusal = this.decide(transaction, request);
      return refusal === undefined ? [] : [[index + 1, ...refusal]];
    });
    return { columns: VERDICT_COLUMNS, rows };
  }

  /** Undefined when it was appended. */
  private decide(transaction: Transaction, { command, writes }: Asked): unknown[] | undefined {
    const earlier = command && transaction.get(this.commands, command.key);
    if (earlier !== undefined) {
      if (earlier.fingerprint !== command?.fingerprint) return ['key-reused', null, null, null, null, null, null, null];
      return ['repeated', null, null, null, earlier.commandId, earlier.status, {}, earlier.body];
    }
    const versions = new Map<string, number>();
    for (const { streamId, expected, eventIds } of writes) {
      const actual = versions.get(streamId) ?? transaction.get(this.streams, streamId)?.version ?? 0;
      if (actual !== expected) return ['conflict', streamId, expected, actual, null, null, null, null];
      versions.set(streamId, expected + eventIds.length);
    }
    for (const { streamId, expected, eventIds } of writes) {
      eventIds.forEach((eventId, n) => {
        const version = expected + n + 1;
        transaction.put(this.events, `${streamId}@${version}`, { streamId, version, eventId });
        transaction.put(this.streams, streamId, { version });
      });
    }
    if (command !== undefined) transaction.put(this.commands, command.key, command);
    return undefined;
  }
}

/** The parallel arrays of appendArguments, put together again. */
function requestsOf(values: unknown[][]): Asked[] {
  const actors = values[2] as string[];
  const column = <T>(n: number): T[] => values[n] as T[];
  const streamIds = column<string>(13);
  const eventWrites = column<number>(19);
  const writes = column<number>(15).map((request, w) => ({
    request,
    streamId: streamIds[(column<number>(16)[w] as number) - 1] as string,
    expected: column<number>(17)[w] as number,
    eventIds: column<string>(21).filter((_id, e) => eventWrites[e] === w + 1),
  }));
  return actors.map((_actor, r) => {
    const key = column<string | undefined>(8)[r];
    return {
      writes: writes.filter(({ request }) => request === r + 1),
      command:
        key === undefined || key === null
          ? undefined
          : {
              key,
              commandId: column<string>(6)[r] as string,
              fingerprint: column<string>(9)[r] as string,
              status: column<number>(10)[r] as number,
              body: JSON.parse(column<string>(12)[r] as string) as unknown,
            },
    };
  });
}
