// What is wrong with a request, field by field, all of it at once: a caller mends everything in one go.
import type { z } from 'zod';
import { TollgateError } from '../../domain/errors.ts';

export interface FieldProblem {
  /** `caps.0.amountNano`; empty: the whole. */
  readonly field: string;
  readonly message: string;
}

export class InvalidInput extends TollgateError {
  readonly problems: readonly FieldProblem[];

  constructor(code: 'invalid_value' | 'invalid_body', what: string, { issues }: z.ZodError) {
    const problems = issues.flatMap((issue) => problemsIn(issue, []));
    const told = problems.map(({ field, message }) => (field === '' ? message : `${field}: ${message}`));
    super(code, { message: `${what}: ${told.join('; ')}.` });
    this.problems = problems;
  }
}

function problemsIn(issue: z.core.$ZodIssue, inside: readonly PropertyKey[]): FieldProblem[] {
  const path = [...inside, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((name) => ({
      field: named([...path, name]),
      message: 'there is no such field; leave it out',
    }));
  }
  if (issue.code === 'invalid_union') {
    // The form that the caller meant is the one that got furthest.
    const [nearest = []] = [...issue.errors].sort((a, b) => depth(b) - depth(a));
    return nearest.flatMap((inner) => problemsIn(inner, path));
  }
  return [{ field: named(path), message: issue.message }];
}

function depth(issues: readonly z.core.$ZodIssue[]): number {
  return Math.max(0, ...issues.map(({ path, code }) => path.length + (code === 'unrecognized_keys' ? 1 : 0)));
}

function named(path: readonly PropertyKey[]): string {
  return path.map(String).join('.');
}
