/** One difference between two states. `path` is a JSON pointer; items of lists that have an identity are named by it. */
export interface Change {
  readonly path: string;
  readonly kind: 'added' | 'removed' | 'changed';
  readonly before?: unknown;
  readonly after?: unknown;
}

/** Fields that identify an item of a list, most specific first: a reservation is its order's, wherever in the list it stands. */
const IDENTITIES = ['lineNo', 'orderId', 'sku'] as const;

/** What changed from one JSON value to another, depth first, in the order of the fields. */
export function differences(before: unknown, after: unknown, path = ''): Change[] {
  if (Object.is(before, after)) return [];
  if (before === undefined) return [{ path, kind: 'added', after }];
  if (after === undefined) return [{ path, kind: 'removed', before }];
  const fields = fieldsOf(before, after);
  if (fields === undefined) return [{ path, kind: 'changed', before, after }];
  const [one, other] = fields;
  return [...new Set([...one.keys(), ...other.keys()])].flatMap((key) =>
    differences(one.get(key), other.get(key), `${path}/${escaped(key)}`),
  );
}

/** Both as maps of fields, or undefined when they can only be compared whole. */
function fieldsOf(before: unknown, after: unknown): [Map<string, unknown>, Map<string, unknown>] | undefined {
  if (Array.isArray(before) && Array.isArray(after)) {
    const identity = IDENTITIES.find((name) => identifies(before, name) && identifies(after, name));
    const keyed = (list: unknown[]) =>
      new Map(list.map((item, index) => [identity === undefined ? String(index) : String((item as never)[identity]), item]));
    return [keyed(before), keyed(after)];
  }
  if (isRecord(before) && isRecord(after)) return [new Map(Object.entries(before)), new Map(Object.entries(after))];
  return undefined;
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

function identifies(list: readonly unknown[], name: string): boolean {
  const values = list.map((item) => (isRecord(item) ? item[name] : undefined));
  return values.every((value) => value !== undefined) && new Set(values).size === values.length;
}

const escaped = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1');
