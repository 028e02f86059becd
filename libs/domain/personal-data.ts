declare const personal: unique symbol;

/**
 * Marks a value as personal data of the event's data subject (the customer). The mark costs nothing at run time; together with
 * the per-event list in `personalDataOf` it says which fields must be encrypted per subject, masked in logs, and forgotten on request.
 */
export type Personal<T> = T & { readonly [personal]?: true };
