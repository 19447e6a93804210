// What came in, as a route declared it: a handler sees nothing that its schemas have not read.
import type { z } from 'zod';
import { TollgateError } from '../../domain/errors.ts';
import { InvalidInput } from './invalid-input.ts';

export interface Input<P extends z.ZodObject, Q extends z.ZodObject> {
  readonly params: z.output<P>;
  readonly query: z.output<Q>;
}

export function inputOf<P extends z.ZodObject, Q extends z.ZodObject>(
  declared: { readonly params: P; readonly query: Q },
  call: { readonly path: string; readonly params: unknown; readonly query: unknown },
): Input<P, Q> {
  const params = declared.params.safeParse(call.params);
  // A malformed id names nothing: it is answered like one that is not there.
  if (!params.success) {
    throw new TollgateError('not_found', { message: `There is nothing at ${call.path.slice(0, 200)}.` });
  }
  const query = declared.query.safeParse(call.query);
  if (!query.success) throw new InvalidInput('invalid_value', 'The query is not valid', query.error);
  return { params: params.data, query: query.data };
}

export function bodyOf<B extends z.ZodType>(schema: B, body: unknown): z.output<B> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  if (body === undefined) {
    throw new TollgateError('body_empty', {
      message: 'This request needs a JSON body; GET /api/v1/openapi.json says which.',
    });
  }
  throw new InvalidInput('invalid_body', 'The body is not valid', parsed.error);
}
