declare const personal: unique symbol;

/**
 * Marks a value as personal data of the event's data subject (the customer). The mark costs nothing at run time; together with
 * the per-event list in `personalDataOf` it says which fields a store has to encrypt per subject, mask in logs, and forget on request.
 * Nothing encrypts them yet, events hold them in clear: the mark is what lets that be added without touching the domain.
 */
export type Personal<T> = T & { readonly [personal]?: true };

/** Dotted paths of the fields of `Data` that are marked; `*` stands for the items of an array. */
export type PersonalPath<Data> = Data extends readonly (infer Item)[]
  ? `*.${PersonalPath<Item>}`
  : Data extends object
    ? { [Key in keyof Data & string]: PathOf<Key, NonNullable<Data[Key]>> }[keyof Data & string]
    : never;

type PathOf<Key extends string, Value> = typeof personal extends keyof Value ? Key : `${Key}.${PersonalPath<Value>}`;
