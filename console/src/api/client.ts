// Calls of our own API, typed by its OpenAPI document. The session is a cookie that scripts cannot read; a refusal is a Problem.
import createClient from 'openapi-fetch';
import type { paths } from '../../generated/api.d.ts';
import { viewedHere } from '../viewed-organization.ts';
import { Problem } from './problem.ts';

export const api = createClient<paths>();

// Whoever looks at a customer's pages says so with each call: then the API holds him to reading (docs/decisions.md, D105).
api.use({
  onRequest({ request }) {
    const orgId = viewedHere();
    if (orgId !== null) request.headers.set('tollgate-view', orgId);
    return request;
  },
});

interface Answer<T> {
  readonly data?: T;
  readonly error?: unknown;
  readonly response: Response;
}

/** What was answered. Whatever else became of the call is thrown as a Problem, also that nobody answered. */
export async function told<T>(asked: Promise<Answer<T>>): Promise<NonNullable<T>> {
  const { data, error, response } = await asked.catch(() => {
    throw Problem.unreachable();
  });
  if (!response.ok) throw Problem.of(response, error);
  return data as NonNullable<T>;
}
