import { ValidationPipe, type ValidationError } from '@nestjs/common';
import { platformProblem, type Violation } from './problem.js';

/** Violations told in one answer; a body with thousands of bad lines must not be answered with a longer one. */
const MAX_VIOLATIONS = 50;

/**
 * class-validator on bodies, parameters and queries that are DTO classes. Unknown fields are refused, nothing is converted, and
 * every violation (up to 50) is answered at once as 400 `validation-failed` with `errors: [{ path, message }]`.
 */
export function validationPipe(): ValidationPipe {
  return new ValidationPipe({
    transform: true,
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: true,
    stopAtFirstError: false,
    validationError: { target: false, value: false },
    exceptionFactory: (errors) => {
      const violations = [...violationsOf(errors, '')].slice(0, MAX_VIOLATIONS);
      return platformProblem('validation-failed', violations.map(({ path, message }) => `${path}: ${message}`).slice(0, 3).join('; '), {
        errors: violations,
      });
    },
  });
}

function* violationsOf(errors: readonly ValidationError[], parent: string): Generator<Violation> {
  for (const error of errors) {
    const path = parent === '' ? error.property : `${parent}.${error.property}`;
    for (const message of Object.values(error.constraints ?? {})) yield { path, message };
    yield* violationsOf(error.children ?? [], path);
  }
}
