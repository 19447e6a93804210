// What a route is: declared once, in one object, from which the router, the check of who may call, the validation, the
// fields of the answer and the OpenAPI document all come. A route that changes something can answer only with what its
// `change` returned, and that writes exactly one audit row in the transaction of the change.
import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import type { Permission } from '../../domain/authorization.ts';
import type { SignedIn } from '../../services/accounts/sessions.ts';
import type { ApiKeyEntry } from '../../services/api-keys/api-key-cache.ts';
import type { Author } from '../../services/audit/audit.ts';
import type { Belonging } from '../../services/organizations/owners.ts';
import type { Queryable } from '../../services/platform/postgres.ts';
import type { AppDependencies } from './app-dependencies.ts';
import { begunOnce, type Change, type Committed, changeRequestOf, commit, repeatedReply } from './change.ts';
import { acceptedReply, type IfMatch, jsonReply, type Reply, tagsSeen } from './reply.ts';
import { bodyOf, type Input, inputOf } from './route-input.ts';

/** `permitted`: the operator, and the signed-in persons whom domain/authorization.ts allows it. */
export type Who = 'permitted' | 'apiKey' | 'person' | 'public';
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
  /** Who is signed in; null: whoever calls does so by another credential. */
  readonly person: SignedIn | null;
}

/** What the registry holds: a declaration whose types are closed over by `respond`. */
export interface Route {
  readonly method: Method;
  /** Parameters in braces. */
  readonly path: string;
  readonly who: Who;
  /** Null where anybody may call who has the credential. */
  readonly permission: Permission | null;
  /** What a member must leave alone, of the fields of the body. */
  readonly staffFields: readonly string[];
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
  /** Whose it is what is read or changed: asked before `respond`, where not everybody may. */
  belonging(call: Call, app: AppDependencies): Promise<Belonging>;
  /** May be kept for a second person, and answered by 202 and its proposal. */
  readonly mayTakeTwo: boolean;
  /** Why a second person has to approve it; null: one is enough. */
  whyTwoPersons(call: Call, app: AppDependencies): Promise<string | null>;
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
  readonly permission: Permission;
  /** To whom it belongs what is read; without: to no organization, so that no member may read it. */
  of?(input: Input<P, Q>, db: Queryable): Belonging | Promise<Belonging>;
  handler(input: Input<P, Q> & Pick<Call, 'actor' | 'person'>, app: AppDependencies): Promise<z.output<R>>;
}

export function adminRead<P extends z.ZodObject, Q extends z.ZodObject, R extends z.ZodType>(
  declared: AdminRead<P, Q, R>,
): Route {
  return {
    ...READS,
    ...described(declared),
    who: 'permitted',
    permission: declared.permission,
    belonging: async (call, { db }) => (await declared.of?.(inputOf(declared, call), db)) ?? NOBODYS,
    async respond(call, app) {
      const { actor, person } = call;
      const input = { ...inputOf(declared, call), actor, person };
      return jsonReply(declared.response, await declared.handler(input, app), 200);
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
  /** Null: everybody may read it. */
  readonly permission: Permission | null;
  readonly openToLoopback?: boolean;
  handler(app: AppDependencies): Promise<Reply>;
}

export function operatorRead(declared: OperatorRead): Route {
  return {
    ...READS,
    ...described({ ...declared, params: none, query: whatever }),
    who: declared.permission === null ? 'public' : 'permitted',
    permission: declared.permission,
    openToLoopback: declared.openToLoopback ?? false,
    respond: (_, app) => declared.handler(app),
  };
}

interface Asked<P extends z.ZodObject, B extends z.ZodType> {
  readonly params: z.output<P>;
  readonly body: z.output<B>;
}

interface AdminChange<P extends z.ZodObject, B extends z.ZodType, R extends z.ZodType> {
  readonly path: string;
  readonly permission: Permission;
  /** To whom it belongs what is changed; without: to no organization, so that no member may change it. */
  of?(input: Asked<P, B>, db: Queryable): Belonging | Promise<Belonging>;
  /** What a member must leave alone, of the fields of the body. */
  readonly staffFields?: readonly string[];
  /** What no person may ask for, not even two of them. @throws TollgateError forbidden */
  refuseToPersons?(input: Asked<P, B>): void;
  /** Why it takes two persons; null: this does not. */
  twoPersons?(input: Asked<P, B> & { readonly actor: string }, db: Queryable): string | null | Promise<string | null>;
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
    input: Asked<P, B> & {
      readonly actor: string;
      readonly person: SignedIn | null;
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
  // Whose a thing is, the path says mostly: then a stranger hears that it is not there, and nothing of his body.
  const askedIn = (call: Call): Asked<P, B> => ({
    params: inputOf({ ...declared, query: none }, call).params,
    get body() {
      return bodyOf(body, call.body);
    },
  });
  return {
    ...READS,
    ...described({ ...declared, query: none }),
    who: 'permitted',
    permission: declared.permission,
    staffFields: declared.staffFields ?? [],
    belonging: async (call, { db }) => (await declared.of?.(askedIn(call), db)) ?? NOBODYS,
    mayTakeTwo: declared.twoPersons !== undefined,
    async whyTwoPersons(call, { db }) {
      const { refuseToPersons, twoPersons } = declared;
      if (refuseToPersons === undefined && twoPersons === undefined) return null;
      // Read as a whole: what no handler would take is kept for nobody.
      const { params, body: sent } = askedIn(call);
      refuseToPersons?.({ params, body: sent });
      return (await twoPersons?.({ params, body: sent, actor: call.actor }, db)) ?? null;
    },
    method,
    body,
    status,
    ifMatch,
    changes: true,
    mayGoOn: declared.goesOnAt !== undefined,
    async respond(call, app) {
      const { actor, requestId, clientAddress } = call;
      const author = { actor, requestId, clientAddress };
      const request = changeRequestOf(method, call);
      const earlier = await repeatedReply(app.db, request);
      if (earlier !== null) return earlier;
      const seen = ifMatch === null ? 'any' : tagsSeen(call.headers['if-match'], ifMatch === 'required');
      const { params, body: sent } = askedIn(call);
      const input = { params, body: sent, actor, person: call.person, author, ifMatch: seen };
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

/** Of no organization, or of all. */
const NOBODYS: Belonging = {};

export const READS = {
  method: 'get',
  permission: null,
  staffFields: [],
  belonging: async () => NOBODYS,
  mayTakeTwo: false,
  whyTwoPersons: async () => null,
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
