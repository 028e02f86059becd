/** Conditions of a statement. Its text depends on which of them there are and never on their values, so that it can be prepared. */
export class Where {
  readonly values: unknown[] = [];
  private readonly conditions: string[] = [];

  /** @param condition each `?` stands for one of the values */
  and(condition: string, ...values: readonly unknown[]): this {
    let next = this.values.length;
    this.conditions.push(condition.replace(/\?/g, () => `$${(next += 1)}`));
    this.values.push(...values);
    return this;
  }

  /** {@link and}, unless the value was not given. */
  andIfGiven(condition: string, value: unknown): this {
    return value === undefined ? this : this.and(condition, value);
  }

  /** With the word in front; empty without conditions. */
  get sql(): string {
    return this.conditions.length === 0 ? '' : `WHERE ${this.conditions.join(' AND ')}`;
  }
}
