// What the API answers, as types, by the path that is asked.
import type { paths } from '../../generated/api.d.ts';

export type Answer<P extends keyof paths> = paths[P] extends {
  get: { responses: { 200: { content: { 'application/json': infer A } } } };
}
  ? A
  : never;

/** Who is signed in. */
export type Me = Answer<'/api/v1/me'>;
