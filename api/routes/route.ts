// What a route is: declared once, in one object, from which the router, the check of who may call, the validation, the
// fields of the answer and the OpenAPI document all come. A route that changes something can answer only with what its
// `change` returned, and that writes exactly one audit row in the transaction of the change.
import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import type { SignedIn } from '../../services/accounts/sessions.ts';
import type { ApiKeyEntry } from '../../services/api-keys/api-key-cache.ts';
import type { Author } from '../../services/audit/audit.ts';
import type { AppDependencies } from './app-dependencies.ts';
import { begunOnce, type Change, type Committed, commit, idempotencyKeyIn, repeatedReply } from './change.ts';
import { acceptedReply, type IfMatch, jsonReply, type Reply, tagsSeen } from './reply.ts';
import { bodyOf, type Input, inputOf } from './route-input.ts';

export type Who = 'admin' | 'apiKey' | 'person' | 'public';
export type Method = 'get' | 'post' | 'patch';

/** A request as it came, after its caller was found out. */
export interface Call {
  readonly path: string;
  /** As the caller wrote it, before it was forgiven. */
  readonly askedPath: string;
  readonly params: unknown;
  readonly query: unknown;
  /** Parsed JSON; undefined: none was sent. */
  readonly body: unknown;
  /** As it came. */
  readonly bytes: Buffer;
  readonly bodyDigest: Buffer;
  readonly headers: IncomingHttpHeaders;
  readonly requestId: string;
  /** Recorded as the author of what is changed. */
  readonly actor: string;
  readonly clientAddress: string;
  readonly apiKey: ApiKeyEntry | null;
  readonly person: SignedIn | null;
}

/** What the registry holds: a declaration whose types are closed over by `respond`. */
export interface Route {
  readonly method: Method;
  /** Parameters in braces. */
  readonly path: string;
  readonly who: Who;
  readonly summary: string;
  readonly params: z.ZodObject;
  readonly query: z.ZodObject;
  readonly body: z.ZodType | null;
  readonly response: z.ZodType;
  readonly status: number;
  readonly changes: boolean;
  /** May be answered by 202 and an address before all is done. */
  readonly mayGoOn: boolean;
  /** Whether the caller says in If-Match which version it has seen; null: there is none that it could have seen (D24). */
  readonly ifMatch: 'required' | 'optional' | null;
  /** Media types. */
  readonly answersIn: readonly string[];
  /** For people: answers with HTML, and takes what a form of it sends. */
  readonly isPage: boolean;
  /** Also for a process on this machine, without any credential. */
  readonly openToLoopback: boolean;
  respond(call: Call, app: AppDependencies): Promise<Reply>;
}

export interface Declaration<P extends z.ZodObject, Q extends z.ZodObject, R extends z.ZodType> {
  readonly path: string;
  readonly summary: string;
  readonly params: P;
  readonly query: Q;
  readonly response: R;
}

/** Where there are no parameters; a query that nobody declared is a mistake that the caller should hear of. */
export const none = z.strictObject({});
/** Clients of all kinds send query parameters of their own to what a customer reads: those are ignored. */
export const whatever = z.object({});

interface AdminRead<P extends z.ZodObject, Q extends z.ZodObject, R extends z.ZodType> extends Declaration<P, Q, R> {
  handler(input: Input<P, Q>, app: AppDependencies): Promise<z.output<R>>;
}

export function adminRead<P extends z.ZodObject, Q extends z.ZodObject, R extends z.ZodType>(
  declared: AdminRead<P, Q, R>,
): Route {
  return {
    ...READS,
    ...described(declared),
    who: 'admin',
    async respond(call, app) {
      return jsonReply(declared.response, await declared.handler(inputOf(declared, call), app), 200);
    },
  };
}

interface CustomerRead<P extends z.ZodObject, Q extends z.ZodObject, R extends z.ZodType> extends Declaration<P, Q, R> {
  handler(
    input: Input<P, Q> & Pick<Call, 'headers' | 'askedPath'> & { readonly apiKey: ApiKeyEntry },
    app: AppDependencies,
  ): Promise<z.output<R>>;
}

export function customerRead<P extends z.ZodObject, Q extends z.ZodObject, R extends z.ZodType>(
  declared: CustomerRead<P, Q, R>,
): Route {
  return {
    ...READS,
    ...described(declared),
    who: 'apiKey',
    async respond(call, app) {
      const { apiKey, headers, askedPath } = call;
      if (apiKey === null) throw new Error(`${declared.path} was reached without an API key`);
      const input = { ...inputOf(declared, call), apiKey, headers, askedPath };
      return jsonReply(declared.response, await declared.handler(input, app), 200);
    },
  };
}

interface OperatorRead {
  readonly path: string;
  readonly summary: string;
  readonly response: z.ZodType;
  readonly who: 'public' | 'admin';
  readonly openToLoopback?: boolean;
  handler(app: AppDependencies): Promise<Reply>;
}

export function operatorRead(declared: OperatorRead): Route {
  return {
    ...READS,
    ...described({ ...declared, params: none, query: whatever }),
    who: declared.who,
    openToLoopback: declared.openToLoopback ?? false,
    respond: (_, app) => declared.handler(app),
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

interface AdminChange<P extends z.ZodObject, B extends z.ZodType, R extends z.ZodType> {
  readonly path: string;
  readonly summary: string;
  readonly params: P;
  readonly response: R;
  readonly method: 'post' | 'patch';
  readonly body: B;
  readonly status?: 200 | 201;
  readonly ifMatch?: Route['ifMatch'];
  /** Its handler does, before it commits, what no transaction takes back. */
  readonly reachesOutside?: boolean;
  /** Where to ask for an answer that is not there yet: a 202 says so. Null: it is there. */
  goesOnAt?(answer: z.output<R>): string | null;
  handler(
    input: {
      readonly params: z.output<P>;
      readonly body: z.output<B>;
      readonly actor: string;
      /** For a handler that commits an effect before there is an answer. */
      readonly author: Author;
      readonly ifMatch: IfMatch;
    },
    app: AppDependencies,
    change: Change<z.output<R>>,
  ): Promise<Committed>;
}

export function adminChange<P extends z.ZodObject, B extends z.ZodType, R extends z.ZodType>(
  declared: AdminChange<P, B, R>,
): Route {
  const { method, status = 200, ifMatch = null, body, response } = declared;
  return {
    ...READS,
    ...described({ ...declared, query: none }),
    who: 'admin',
    method,
    body,
    status,
    ifMatch,
    changes: true,
    mayGoOn: declared.goesOnAt !== undefined,
    async respond(call, app) {
      const { actor, requestId, clientAddress } = call;
      const author = { actor, requestId, clientAddress };
      const request = {
        ...author,
        route: `${method.toUpperCase()} ${call.path}`,
        bodyDigest: call.bodyDigest,
        idempotencyKey: method === 'post' ? idempotencyKeyIn(call.headers['idempotency-key']) : null,
      };
      const earlier = await repeatedReply(app.db, request);
      if (earlier !== null) return earlier;
      const seen = ifMatch === null ? 'any' : tagsSeen(call.headers['if-match'], ifMatch === 'required');
      const { params } = inputOf({ ...declared, query: none }, call);
      const input = { params, body: bodyOf(body, call.body), actor, author, ifMatch: seen };
      const replyWith = (answer: z.output<R>) => {
        const askAt = declared.goesOnAt?.(answer) ?? null;
        return askAt === null ? jsonReply(response, answer, status) : acceptedReply(response, answer, askAt);
      };
      const change: Change<z.output<R>> = (work) => commit(app.db, request, replyWith, work);
      const handled = () => declared.handler(input, app, change);
      return (await (declared.reachesOutside ? begunOnce(app.db, request, handled) : handled())).reply;
    },
  };
}

export const READS = {
  method: 'get',
  body: null,
  status: 200,
  changes: false,
  mayGoOn: false,
  ifMatch: null,
  answersIn: ['application/json'],
  isPage: false,
  openToLoopback: false,
} as const;

export function described({
  path,
  summary,
  params,
  query,
  response,
}: Declaration<z.ZodObject, z.ZodObject, z.ZodType>) {
  return { path, summary, params, query, response };
}
