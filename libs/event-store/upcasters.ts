/** Turns the data of one event type from schema version `from` into version `from + 1`. */
export interface Upcaster {
  readonly type: string;
  readonly from: number;
  upcast(data: object): object;
}

/**
 * All upcasters, by type and version. Stored events are never changed: old ones are lifted, one version at a time, whenever they are
 * read. Throws when two claim the same step, or a chain has a hole.
 */
export class Upcasters {
  readonly #steps = new Map<string, Upcaster>();
  readonly #newest = new Map<string, number>();

  constructor(upcasters: readonly Upcaster[] = []) {
    for (const step of upcasters) {
      const key = `${step.type}@${step.from}`;
      if (this.#steps.has(key)) throw new Error(`two upcasters for ${key}`);
      this.#steps.set(key, step);
      this.#newest.set(step.type, Math.max(this.#newest.get(step.type) ?? 0, step.from + 1));
    }
    for (const [type, newest] of this.#newest) {
      const first = Math.min(...upcasters.filter((step) => step.type === type).map((step) => step.from));
      for (let from = first; from < newest; from += 1) {
        if (!this.#steps.has(`${type}@${from}`)) throw new Error(`no upcaster for ${type}@${from}`);
      }
    }
  }

  /** The event's data at the newest schema version of its type. An event that is newer than all upcasters passes unchanged. */
  upcast(type: string, schemaVersion: number, data: object): { schemaVersion: number; data: object } {
    const newest = this.#newest.get(type);
    if (newest === undefined || schemaVersion >= newest) return { schemaVersion, data };
    let lifted = data;
    for (let from = schemaVersion; from < newest; from += 1) {
      const step = this.#steps.get(`${type}@${from}`);
      if (step === undefined) throw new Error(`no upcaster for ${type}@${from}`);
      lifted = step.upcast(lifted);
    }
    return { schemaVersion: newest, data: lifted };
  }
}
