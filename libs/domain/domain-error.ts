/** A broken business rule. `code` is stable and public (it ends up in problem details); `message` is for people. */
export class DomainError extends Error {
  constructor(
    readonly code: `${string}.${string}`,
    message: string,
    readonly details: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
    this.name = 'DomainError';
  }
}
