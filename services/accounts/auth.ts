// better-auth as we use it: it checks passwords, makes and finds sessions, and signs their cookie. What it would do by itself and we do otherwise
// (codes and links by mail, second factors, counting what was tried) is said in decisions (D85). Its own routes are mounted nowhere.
import { randomBytes } from 'node:crypto';
import { createAuthEndpoint, isAPIError } from 'better-auth/api';
import { setSessionCookie } from 'better-auth/cookies';
import { betterAuth } from 'better-auth/minimal';
import type { Pool } from 'pg';
import { z } from 'zod';
import { newId } from '../platform/ids.ts';
import { accountRows } from './account-rows.ts';
import type { Cookies } from './cookies.ts';
import { hashOf, isPasswordOf, LONGEST_PASSWORD, SHORTEST_PASSWORD } from './passwords.ts';

/** For longest use; who is idle, or works for us, is out sooner (sessions.ts). */
const LONGEST_SESSION_S = 14 * 24 * 3_600;
const SESSION_ID_BYTES = 32;
/** From where a request came, as we and not as its sender says. */
const CLIENT_ADDRESS = 'x-tollgate-client-address';

export interface AuthSettings {
  readonly publicUrl: string;
  readonly cookies: Cookies;
  readonly secret: string;
}

export type Auth = ReturnType<typeof openAuth>;

export function openAuth(db: Pool, { publicUrl, cookies, secret }: AuthSettings) {
  return betterAuth({
    appName: 'Tollgate',
    baseURL: publicUrl,
    secret,
    database: accountRows(db),
    telemetry: { enabled: false },
    logger: { disabled: true },
    rateLimit: { enabled: false },
    emailAndPassword: {
      enabled: true,
      disableSignUp: true,
      minPasswordLength: SHORTEST_PASSWORD,
      maxPasswordLength: LONGEST_PASSWORD,
      password: { hash: hashOf, verify: ({ hash, password }) => isPasswordOf(hash, password) },
    },
    session: { expiresIn: LONGEST_SESSION_S, disableSessionRefresh: true },
    databaseHooks: {
      session: {
        create: {
          before: async (session) => ({
            data: { ...session, token: randomBytes(SESSION_ID_BYTES).toString('base64url') },
          }),
        },
      },
    },
    advanced: {
      database: { generateId: () => newId() },
      // The prefix is our own: better-auth knows __Secure- alone, which other hosts of the domain may set.
      useSecureCookies: false,
      defaultCookieAttributes: { httpOnly: true, sameSite: 'strict', secure: cookies.areSecure, path: '/' },
      cookies: { session_token: { name: cookies.session } },
      ipAddress: { ipAddressHeaders: [CLIENT_ADDRESS] },
    },
    plugins: [{ id: 'tollgate', endpoints: { openSession } }],
  });
}

/** Of somebody who has proved in another way than by his password who he is. */
const openSession = createAuthEndpoint(
  { method: 'POST', body: z.object({ personId: z.string() }), requireHeaders: true },
  async (context) => {
    const { internalAdapter } = context.context;
    const user = await internalAdapter.findUserById(context.body.personId);
    if (user === null) throw new Error(`there is no person ${context.body.personId} to sign in`);
    const session = await internalAdapter.createSession(user.id);
    await setSessionCookie(context, { session, user });
    return context.json({ token: session.token });
  },
);

/** Why it says no. What failed beneath it, PostgreSQL for one, it wraps: that is thrown on as it was. */
export function whyRefused(thrown: unknown): string {
  if (!isAPIError(thrown)) throw thrown;
  const { code = '', cause } = Object(thrown.body);
  if (cause !== undefined) throw cause;
  return code;
}

/** Where somebody asks from. */
export interface Visit {
  readonly clientAddress: string;
  readonly userAgent: string;
  /** As the browser sent it. */
  readonly cookie: string;
}

export function headersOf({ clientAddress, userAgent, cookie }: Visit): Headers {
  return new Headers({ [CLIENT_ADDRESS]: clientAddress, 'user-agent': userAgent, cookie });
}
