/** Rows by key; a row is replaced, never changed. What is committed survives everything. */
export class MemoryTable<Row extends object> {
  readonly rows = new Map<string, Row>();
  /** Called at each commit that touched it. */
  onChange: (() => void) | undefined;

  constructor(readonly name: string) {}
}

/** Who may hold a lock. */
export interface LockHolder {
  readonly locks: Set<string>;
  /** What it waits for. */
  awaits: string | undefined;
}

/** Locks until the end of the transaction, of rows as of anything else that has a name. */
export class Locks {
  private readonly holders = new Map<string, LockHolder>();

  holderOf(key: string): LockHolder | undefined {
    return this.holders.get(key);
  }

  take(key: string, holder: LockHolder): boolean {
    const current = this.holders.get(key);
    if (current !== undefined) return current === holder;
    this.holders.set(key, holder);
    holder.locks.add(key);
    return true;
  }

  releaseAll(holder: LockHolder): void {
    for (const key of holder.locks) this.holders.delete(key);
    holder.locks.clear();
  }

  /** Whether waiting for `key` would make a circle. */
  wouldDeadlock(key: string, waiter: LockHolder): boolean {
    for (let holder = this.holders.get(key); holder !== undefined;) {
      if (holder === waiter) return true;
      if (holder.awaits === undefined) return false;
      holder = this.holders.get(holder.awaits);
    }
    return false;
  }
}

/** Thrown by a statement that cannot have a lock yet: it runs again, as a whole, when the lock may be free. */
export class Blocked extends Error {
  constructor(
    readonly key: string,
    /** Milliseconds it may wait; 0 for ever. */
    readonly limitMs: number,
  ) {
    super(`waits for ${key}`);
  }
}

/**
 * READ COMMITTED over memory: what it writes is its own until it commits. A statement takes its locks before its first write, because it
 * starts again when one cannot be had.
 */
export class Transaction {
  private readonly written = new Map<MemoryTable<object>, Map<string, object | undefined>>();
  /** Milliseconds; 0 waits for ever. */
  lockTimeoutMs = 0;
  idleTimeoutMs = 0;
  failed = false;

  constructor(
    private readonly locks: Locks,
    readonly holder: LockHolder,
    private readonly clock: () => number,
  ) {}

  /** The server's clock, milliseconds since the epoch. */
  get now(): number {
    return this.clock();
  }

  get<Row extends object>(table: MemoryTable<Row>, key: string): Row | undefined {
    const own = this.written.get(table as unknown as MemoryTable<object>);
    return own?.has(key) === true ? (own.get(key) as Row | undefined) : table.rows.get(key);
  }

  /** All rows it can see, in no order worth relying on. */
  all<Row extends object>(table: MemoryTable<Row>): Row[] {
    const own = this.written.get(table as unknown as MemoryTable<object>);
    if (own === undefined) return [...table.rows.values()];
    const merged = new Map<string, object | undefined>(table.rows);
    for (const [key, row] of own) merged.set(key, row);
    return [...merged.values()].filter((row) => row !== undefined) as Row[];
  }

  put<Row extends object>(table: MemoryTable<Row>, key: string, row: Row | undefined): void {
    const id = table as unknown as MemoryTable<object>;
    const own = this.written.get(id) ?? new Map<string, object | undefined>();
    own.set(key, row);
    this.written.set(id, own);
  }

  /** @throws Blocked */
  lock(key: string): void {
    if (!this.locks.take(key, this.holder)) throw new Blocked(key, this.lockTimeoutMs);
  }

  /** False when somebody else has it. */
  tryLock(key: string): boolean {
    return this.locks.take(key, this.holder);
  }

  lockRow(table: MemoryTable<never>, key: string): void {
    this.lock(`${table.name} ${key}`);
  }

  tryLockRow(table: MemoryTable<never>, key: string): boolean {
    return this.tryLock(`${table.name} ${key}`);
  }

  /** Makes it so. The session releases the locks. */
  commit(): void {
    for (const [table, rows] of this.written) {
      for (const [key, row] of rows) {
        if (row === undefined) table.rows.delete(key);
        else table.rows.set(key, row);
      }
      table.onChange?.();
    }
    this.written.clear();
  }
}
