import { ValidationPipe, type ArgumentMetadata, type ValidationError } from '@nestjs/common';
import { getMetadataStorage } from 'class-validator';
import { acceptorOf } from './compiled-rules.js';
import { refuseInheritedNames } from './inherited-names.js';
import { platformProblem, type ProblemError, type Violation } from './problem.js';

/** Violations told in one answer; a body with thousands of bad lines must not be answered with a longer one. */
const MAX_VIOLATIONS = 50;

/**
 * class-validator on bodies, parameters and queries that are DTO classes. Unknown fields are refused, nothing is converted, and
 * every violation (up to 50) is answered at once as 400 `validation-failed` with `errors: [{ path, message }]`.
 */
export function validationPipe(): ValidationPipe {
  return new BoundedValidationPipe({
    transform: true,
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: true,
    stopAtFirstError: false,
    validationError: { target: false, value: false },
    exceptionFactory: (errors) => refusal([...violationsOf(errors, '')]),
  });
}

/**
 * What breaks no rule passes by rules that were looked up once (see acceptorOf), which know every name that may come; anything else is
 * class-validator's to judge.
 * class-validator looks into every element even when the array is longer than `@ArrayMaxSize` allows, which lets a small body cost
 * seconds. Here the length is seen first.
 */
class BoundedValidationPipe extends ValidationPipe {
  override async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    const { metatype, type } = metadata;
    // What a decorator of ours made of the request.
    if (type === 'custom') return value;
    if (metatype !== undefined && typeof value === 'object' && value !== null) {
      const accepted = acceptorOf(metatype as new () => object)?.(value);
      if (accepted !== undefined) return accepted;
      const violations = [...tooLongArrays(value as Record<string, unknown>, metatype)];
      if (violations.length > 0) throw refusal(violations);
      refuseInheritedNames(value);
    }
    return super.transform(value, metadata);
  }
}

function* tooLongArrays(value: Record<string, unknown>, type: Function): Generator<Violation> {
  for (const { name, propertyName, constraints } of getMetadataStorage().getTargetValidationMetadatas(type, '', false, false)) {
    const max = constraints?.[0] as unknown;
    const items = value[propertyName];
    if (name === 'arrayMaxSize' && typeof max === 'number' && Array.isArray(items) && items.length > max) {
      yield { path: propertyName, message: `${propertyName} must contain no more than ${max} elements` };
    }
  }
}

function refusal(all: readonly Violation[]): ProblemError {
  const errors = all.slice(0, MAX_VIOLATIONS);
  const detail = errors.slice(0, 3).map(({ path, message }) => `${path}: ${message}`);
  return platformProblem('validation-failed', detail.join('; '), { errors });
}

function* violationsOf(errors: readonly ValidationError[], parent: string): Generator<Violation> {
  for (const error of errors) {
    const path = parent === '' ? error.property : `${parent}.${error.property}`;
    for (const message of Object.values(error.constraints ?? {})) yield { path, message };
    yield* violationsOf(error.children ?? [], path);
  }
}
