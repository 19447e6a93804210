// Routes that take no credential: what everybody may read, and where who calls proves in another way that he may, a machine by a signature of
// the bytes, a person by the link that he was sent.
import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import type { AppDependencies } from './app-dependencies.ts';
import { jsonReply, type Reply } from './reply.ts';
import { type Call, type Declaration, described, none, READS, type Route } from './route.ts';
import { type Input, inputOf } from './route-input.ts';

interface OpenRead<R extends z.ZodType> extends Declaration<typeof none, typeof none, R> {
  handler(app: AppDependencies): Promise<z.output<R>>;
}

export function openRead<R extends z.ZodType>(declared: OpenRead<R>): Route {
  return {
    ...READS,
    ...described(declared),
    who: 'public',
    respond: async (_, app) => jsonReply(declared.response, await declared.handler(app), 200),
  };
}

interface SignedHook {
  readonly path: string;
  readonly summary: string;
  readonly body: z.ZodType;
  readonly response: z.ZodType;
  /** Believes nothing before it has checked who signed these bytes. */
  handler(bytes: Buffer, headers: IncomingHttpHeaders, app: AppDependencies): Promise<Reply>;
}

/** Called by a machine that has no credential but signs what it sends. */
export function signedHook(declared: SignedHook): Route {
  return {
    ...READS,
    ...described({ ...declared, params: none, query: none }),
    who: 'public',
    method: 'post',
    body: declared.body,
    respond: ({ bytes, headers }, app) => declared.handler(bytes, headers, app),
  };
}

interface Page<P extends z.ZodObject> {
  readonly method: 'get' | 'post';
  readonly path: string;
  readonly summary: string;
  readonly params: P;
  handler(
    input: Input<P, z.ZodObject> &
      Pick<Call, 'headers' | 'requestId' | 'clientAddress'> & { readonly form: URLSearchParams },
    app: AppDependencies,
  ): Promise<Reply>;
}

const Form = z.record(z.string(), z.string()).meta({ description: 'As the page sends it' });

/** Open to whoever has its link, which the handler has to prove. */
export function page<P extends z.ZodObject>(declared: Page<P>): Route {
  const asked = { ...declared, query: z.looseObject({}), response: z.string() };
  return {
    ...READS,
    ...described(asked),
    who: 'public',
    method: declared.method,
    body: declared.method === 'post' ? Form : null,
    answersIn: ['text/html'],
    isPage: true,
    respond(call, app) {
      const form = new URLSearchParams(call.bytes.toString('utf8'));
      const { headers, requestId, clientAddress } = call;
      return declared.handler({ ...inputOf(asked, call), form, headers, requestId, clientAddress }, app);
    },
  };
}
