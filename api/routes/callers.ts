// Who calls, by the policy that the route declares; whatever a route does not allow is refused (R-AZ-1).
// The admin token is one secret: every comparison with it takes one time. A customer's key on the management API is told
// what it is, because people paste the wrong one; any other credential is simply not known.
import type { IncomingHttpHeaders } from 'node:http';
import type { Request } from 'express';
import { TollgateError } from '../../domain/errors.ts';
import { type SignedIn, signedIn } from '../../services/accounts/sessions.ts';
import type { ApiKeyEntry } from '../../services/api-keys/api-key-cache.ts';
import { isSameSecret } from '../../services/platform/same-secret.ts';
import { addressOf, authenticate } from '../proxy/authenticate.ts';
import type { AppDependencies } from './app-dependencies.ts';
import { requireAnyRight } from './authorize.ts';
import { requireOwnPage } from './own-page.ts';
import type { Route } from './route.ts';
import { visitOf } from './visit.ts';

export interface Caller {
  /** Recorded as the author of what is changed. */
  readonly actor: string;
  readonly apiKey: ApiKeyEntry | null;
  readonly person: SignedIn | null;
}

const nobody = { apiKey: null, person: null };
const CUSTOMER_KEY = /^sk-tg-/;
const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '::1', '::ffff:127.0.0.1']);

export async function callerOf(route: Route, app: AppDependencies, req: Request): Promise<Caller> {
  if (route.who === 'public') return { actor: 'public', ...nobody };
  if (route.who === 'apiKey') {
    const apiKey = await authenticate(app, req);
    return { actor: `api_key:${apiKey.id}`, apiKey, person: null };
  }
  if (route.who === 'person') {
    const person = await signedInPerson(route, app, req);
    return { actor: `person:${person.personId}`, apiKey: null, person };
  }
  if (route.openToLoopback && isOnThisMachine(req)) return { actor: 'loopback', ...nobody };
  const credential = credentialIn(req.headers);
  if (credential !== null && isSameSecret(credential, app.adminToken)) return { actor: 'admin', ...nobody };
  if (credential !== null || req.headers.cookie === undefined) throw refusal(credential);
  const person = await signedInPerson(route, app, req);
  requireEnrolled(person);
  if (route.permission !== null) requireAnyRight(person, route.permission);
  return { actor: `person:${person.personId}`, apiKey: null, person };
}

/** @throws TollgateError forbidden while he has to take a second factor first */
function requireEnrolled({ mustEnrol }: SignedIn): void {
  if (!mustEnrol) return;
  throw new TollgateError('forbidden', {
    message:
      'In your role you need a second factor before anything else: POST /api/v1/me/second-factor begins to take one.',
  });
}

/** By the cookie alone, and only from pages of ours. @throws TollgateError unauthorized, cross_site_request */
async function signedInPerson({ method }: Route, app: AppDependencies, req: Request): Promise<SignedIn> {
  const visit = visitOf(req.headers, addressOf(req, app.trustedProxies));
  const person = await signedIn(app.db, app.accounts, visit);
  if (person === null) {
    throw new TollgateError('unauthorized', {
      message: 'Nobody is signed in, or not any more: sign in by POST /api/v1/sign-ins.',
    });
  }
  if (method !== 'get') requireOwnPage(req.headers, app.accounts.origin);
  return person;
}

/** A request that carries a customer's key, whether or not it is a good one. */
export function hasCustomerKey(headers: IncomingHttpHeaders): boolean {
  const credential = credentialIn(headers) ?? headers['x-api-key'] ?? headers['x-goog-api-key'];
  return typeof credential === 'string' && CUSTOMER_KEY.test(credential);
}

/** Google's clients: by their header, or by a base URL that ends in their version. */
export function speaksGemini(headers: IncomingHttpHeaders, askedPath: string): boolean {
  return headers['x-goog-api-key'] !== undefined || /^\/+v1beta\//.test(askedPath);
}

function credentialIn({ authorization }: IncomingHttpHeaders): string | null {
  return /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1] ?? null;
}

function refusal(credential: string | null): TollgateError {
  if (credential !== null && CUSTOMER_KEY.test(credential)) {
    return new TollgateError('forbidden', {
      message: 'This is a customer’s API key; the management API takes the admin token (TOLLGATE_ADMIN_TOKEN).',
    });
  }
  const what =
    credential === null
      ? 'This needs a session, or the admin token'
      : 'This is not the admin token of this installation';
  return new TollgateError('unauthorized', { message: `${what}: send it as "Authorization: Bearer <admin token>".` });
}

/** Behind a proxy on this machine everybody looks local, and a forwarding header gives the proxy away. */
function isOnThisMachine({ socket, headers }: Request): boolean {
  const isForwarded = headers['x-forwarded-for'] !== undefined || headers.forwarded !== undefined;
  return !isForwarded && LOOPBACK.has(socket.remoteAddress ?? '');
}
