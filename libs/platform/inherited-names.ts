import { platformProblem, type Violation } from './problem.js';

/** Violations told in one answer. */
const MAX_VIOLATIONS = 50;

/**
 * class-validator finds unknown fields by their names, but takes names like `toString` for ones that every object has.
 * @throws ProblemError `validation-failed` that names each of them
 */
export function refuseInheritedNames(value: unknown): void {
  if (!hasInheritedName(value)) return;
  const errors: Violation[] = [];
  for (const path of inheritedNames(value, '')) {
    errors.push({ path, message: `property ${path.split('.').at(-1)} should not exist` });
    if (errors.length === MAX_VIOLATIONS) break;
  }
  if (errors.length > 0) throw platformProblem('validation-failed', `${errors[0]!.path}: ${errors[0]!.message}`, { errors });
}

/** The body's depth is bounded by the parser. */
function hasInheritedName(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.some(hasInheritedName);
  return Object.keys(value).some((name) => name in Object.prototype || hasInheritedName((value as Record<string, unknown>)[name]));
}

/** With the paths, which nearly no body needs. */
function* inheritedNames(value: unknown, parent: string): Generator<string> {
  if (typeof value !== 'object' || value === null) return;
  for (const [name, item] of Object.entries(value)) {
    const path = parent === '' ? name : `${parent}.${name}`;
    if (name in Object.prototype) yield path;
    yield* inheritedNames(item, path);
  }
}
