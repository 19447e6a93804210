// Routes of people: of those who are signed in, and of those who are about to be. What they change leaves its audit row like every change; a
// repetition is not remembered, since what is answered here is often a secret.
import type { z } from 'zod';
import type { Visit } from '../../services/accounts/auth.ts';
import type { SignedIn } from '../../services/accounts/sessions.ts';
import type { Author } from '../../services/audit/audit.ts';
import type { AppDependencies } from './app-dependencies.ts';
import { type Change, type Committed, changeRequestOf, commit } from './change.ts';
import { refuseForeignPage } from './own-page.ts';
import { jsonReply } from './reply.ts';
import { type Call, type Declaration, described, none, READS, type Route } from './route.ts';
import { bodyOf, type Input, inputOf } from './route-input.ts';
import { visitOf } from './visit.ts';

interface PersonRead<P extends z.ZodObject, Q extends z.ZodObject, R extends z.ZodType> extends Declaration<P, Q, R> {
  handler(input: Input<P, Q> & { readonly person: SignedIn }, app: AppDependencies): Promise<z.output<R>>;
}

export function personRead<P extends z.ZodObject, Q extends z.ZodObject, R extends z.ZodType>(
  declared: PersonRead<P, Q, R>,
): Route {
  return {
    ...READS,
    ...described(declared),
    who: 'person',
    async respond(call, app) {
      const input = { ...inputOf(declared, call), person: personOf(call) };
      return jsonReply(declared.response, await declared.handler(input, app), 200);
    },
  };
}

interface Changing<P extends z.ZodObject, B extends z.ZodType, R extends z.ZodType, C> {
  readonly path: string;
  readonly summary: string;
  readonly params: P;
  readonly body: B;
  readonly response: R;
  readonly status?: 200 | 202;
  handler(
    input: {
      readonly params: z.output<P>;
      readonly body: z.output<B>;
      readonly visit: Visit;
      readonly author: Author;
    } & C,
    app: AppDependencies,
    change: Change<z.output<R>>,
  ): Promise<Committed>;
}

interface PersonChange<P extends z.ZodObject, B extends z.ZodType, R extends z.ZodType>
  extends Changing<P, B, R, { readonly person: SignedIn }> {
  readonly method: 'post' | 'patch';
}

/** Of somebody who is signed in. */
export function personChange<P extends z.ZodObject, B extends z.ZodType, R extends z.ZodType>(
  declared: PersonChange<P, B, R>,
): Route {
  return changing(declared, 'person', declared.method, (call) => ({ person: personOf(call) }));
}

interface VisitorRead<R extends z.ZodType> {
  readonly path: string;
  readonly summary: string;
  readonly response: R;
  handler(app: AppDependencies): Promise<{ readonly answer: z.output<R>; readonly cookies: readonly string[] }>;
}

/** Of anybody: what his browser is asked next, and a cookie by which it is known when it answers. */
export function visitorRead<R extends z.ZodType>(declared: VisitorRead<R>): Route {
  return {
    ...READS,
    ...described({ ...declared, params: none, query: none }),
    who: 'public',
    async respond(_call, app) {
      const { answer, cookies } = await declared.handler(app);
      const reply = jsonReply(declared.response, answer, 200);
      return { ...reply, headers: { ...reply.headers, 'set-cookie': cookies } };
    },
  };
}

type VisitorChange<P extends z.ZodObject, B extends z.ZodType, R extends z.ZodType> = Changing<P, B, R, object>;

/** Of anybody, but from no page of another site: nobody is signed in as somebody else without knowing it. */
export function visitorChange<P extends z.ZodObject, B extends z.ZodType, R extends z.ZodType>(
  declared: VisitorChange<P, B, R>,
): Route {
  return changing(declared, 'public', 'post', ({ headers }, app) => {
    refuseForeignPage(headers, app.accounts.origin);
    return {};
  });
}

function changing<P extends z.ZodObject, B extends z.ZodType, R extends z.ZodType, C>(
  declared: Changing<P, B, R, C>,
  who: 'person' | 'public',
  method: 'post' | 'patch',
  callerOf: (call: Call, app: AppDependencies) => C,
): Route {
  const { body, response, status = 200 } = declared;
  return {
    ...READS,
    ...described({ ...declared, query: none }),
    who,
    method,
    body,
    status,
    changes: true,
    async respond(call, app) {
      const { actor, requestId, clientAddress } = call;
      const author = { actor, requestId, clientAddress };
      const caller = callerOf(call, app);
      const { params } = inputOf({ ...declared, query: none }, call);
      const visit = visitOf(call.headers, clientAddress);
      const input = { params, body: bodyOf(body, call.body), visit, author, ...caller };
      const request = { ...changeRequestOf(method, call), idempotencyKey: null };
      const change: Change<z.output<R>> = (work) =>
        commit(app.db, request, (answer) => jsonReply(response, answer, status), work);
      return (await declared.handler(input, app, change)).reply;
    },
  };
}

export function personOf({ person, path }: Call): SignedIn {
  if (person === null) throw new Error(`${path} was reached by nobody who is signed in`);
  return person;
}
