// Signing in by the provider of an enterprise: the browser is sent there, and comes back to a page of the console that sends us what it was given. What
// somebody who is signed in asks of his provider comes back here, too.
import type { PoolClient } from 'pg';
import { z } from 'zod';
import { TollgateError } from '../../domain/errors.ts';
import type { Visit } from '../../services/accounts/auth.ts';
import { type SignedIn, signedIn } from '../../services/accounts/sessions.ts';
import type { Author } from '../../services/audit/audit.ts';
import { newId } from '../../services/platform/ids.ts';
import type { Arrival, Newcomer } from '../../services/single-sign-on/admission.ts';
import { connect, connectByLink, proveBySignOn, signOn } from '../../services/single-sign-on/arrivals.ts';
import { providerForDomain, providerOf } from '../../services/single-sign-on/identity-providers.ts';
import { mailDomainOf } from '../../services/single-sign-on/mail-domains.ts';
import { failed } from '../../services/single-sign-on/openid.ts';
import { type BegunSignOn, flowSecretsOf, takeSignOn } from '../../services/single-sign-on/sign-ons.ts';
import type { AppDependencies } from './app-dependencies.ts';
import type { Outcome } from './change.ts';
import { line, locale, mailAddress, timeZone, uuid } from './field-schemas.ts';
import { visitorChange } from './person-route.ts';
import { none, type Route } from './route.ts';
import { sendToProvider } from './send-to-provider.ts';

const State = z.object({ state: z.enum(['signed_in', 'second_factor', 'link_sent', 'connected', 'proved']) });
type State = z.output<typeof State>;

const target = (targetId: string) => ({ targetKind: 'person', targetId }) as const;

const beginning = visitorChange({
  path: '/api/v1/sign-ins/single-sign-on',
  summary: 'Begin to sign in by an enterprise’s provider, found by the domain of the address: where the browser goes',
  params: none,
  body: z.strictObject({ email: mailAddress }),
  response: z.object({ url: z.string() }),
  async handler({ body: { email }, visit: { clientAddress } }, app, change) {
    const { db, accounts, vault } = app;
    const attempt = { purpose: 'single_sign_on', subject: email, secret: newId(), clientAddress } as const;
    await accounts.attempts.begin(db, attempt, false);
    const provider = await providerForDomain(db, vault, mailDomainOf(email));
    if (provider === null) {
      throw new TollgateError('no_single_sign_on', {
        message: `No organization signs in by single sign-on with addresses of ${mailDomainOf(email)}. Sign in in another way, or ask whoever runs yours.`,
        param: 'email',
      });
    }
    const send = await sendToProvider(app, provider, { purpose: 'sign_in', email, sessionId: null });
    const audit = { action: 'sign_on.begun', targetKind: 'sign_on', targetId: provider.orgId, after: {} } as const;
    return change(async (tx) => ({ ...(await send(tx)), audit }));
  },
});

const finishing = visitorChange({
  path: '/api/v1/sign-ins/single-sign-on/finish',
  summary:
    'What the provider has answered, from the browser that was sent there, once; signs in, or does what it was asked for',
  params: none,
  body: z.strictObject({
    orgId: uuid.meta({ description: 'Where the browser was sent back to says whose provider has answered' }),
    state: line(200),
    code: line(4_000).optional(),
    iss: line(1_000).optional(),
    error: line(200).optional(),
    locale,
    timeZone: timeZone.default('UTC'),
  }),
  response: State,
  async handler({ body, visit, author }, app, change) {
    const { db, accounts, vault, singleSignOn } = app;
    const { cookies } = accounts;
    const secret = cookies.valueOf(cookies.signOn, visit.cookie);
    const begun = await takeSignOn(db, secret, body.state);
    if (begun.orgId !== body.orgId) throw failed('another provider');
    const person = begun.sessionId === null ? null : await sameSession(app, visit, begun.sessionId);
    const provider = await providerOf(db, vault, begun.orgId);
    if (provider === null || body.code === undefined)
      throw failed(body.error === undefined ? 'no code' : 'refused there');
    const { state, code, iss } = body;
    const answered = new URLSearchParams({ state, code, ...(iss === undefined ? {} : { iss }) });
    const isProof = begun.purpose === 'proof';
    const claims = await singleSignOn.openId.claimsOf(provider, flowSecretsOf(secret), answered, isProof);
    const arrival = { provider, claims };
    return change(async (tx) => {
      const outcome = await (person === null
        ? comeIn(tx, app, { arrival, begun, newcomer: body, visit, author })
        : said(tx, arrival, begun, person));
      return { ...outcome, cookies: [...(outcome.cookies ?? []), cookies.set(cookies.signOn, '')] };
    });
  },
});

/** @throws TollgateError single_sign_on_failed when another one is signed in by now, or nobody */
async function sameSession({ db, accounts }: AppDependencies, visit: Visit, sessionId: string): Promise<SignedIn> {
  const person = await signedIn(db, accounts, visit);
  if (person?.sessionId !== sessionId) throw failed('another session');
  return person;
}

interface ComingIn {
  readonly arrival: Arrival;
  readonly begun: BegunSignOn;
  readonly newcomer: Newcomer;
  readonly visit: Visit;
  readonly author: Author;
}

async function comeIn(
  tx: PoolClient,
  { accounts }: AppDependencies,
  { arrival, begun, newcomer: { locale: spoken, timeZone: zone }, visit, author }: ComingIn,
): Promise<Outcome<State>> {
  const { attempts } = accounts;
  const { clientAddress } = visit;
  await attempts.forgive(tx, { purpose: 'single_sign_on', subject: begun.email ?? '', clientAddress });
  const newcomer = { locale: spoken, timeZone: zone };
  const { signedOn, personId, cookies } = await signOn(tx, accounts, arrival, newcomer, { visit, author });
  const { state, ...after } = signedOn;
  const action = ACTIONS[state];
  return {
    answer: { state },
    cookies,
    audit: { action, ...target(personId), after: { ...after, orgId: begun.orgId } },
  };
}

const ACTIONS = {
  signed_in: 'person.signed_in',
  second_factor: 'person.single_sign_on_proved',
  link_sent: 'person.identity_link_sent',
} as const;

/** By somebody who is signed in. */
async function said(
  tx: PoolClient,
  arrival: Arrival,
  { purpose, orgId }: BegunSignOn,
  person: SignedIn,
): Promise<Outcome<State>> {
  if (purpose === 'proof') {
    const after = { orgId, identityId: await proveBySignOn(tx, arrival, person) };
    return {
      answer: { state: 'proved' },
      audit: { action: 'person.presence_proved', ...target(person.personId), after },
    };
  }
  const after = { orgId, identityId: await connect(tx, arrival, person) };
  return {
    answer: { state: 'connected' },
    audit: { action: 'person.identity_connected', ...target(person.personId), after },
  };
}

const linking = visitorChange({
  path: '/api/v1/identity-links/confirm',
  summary: 'By the link of the mail: a provider’s word is good for one’s account from now on; signs nobody in',
  params: none,
  body: z.strictObject({ token: line(100) }),
  response: z.object({}),
  handler: ({ body, author }, { singleSignOn }, change) =>
    change(async (tx) => {
      const { personId, orgId, identityId } = await connectByLink(tx, singleSignOn.links, body.token, author);
      const what = { action: 'person.identity_connected', ...target(personId) };
      return { answer: {}, audit: { ...what, after: { orgId, identityId, byLink: true } } };
    }),
});

export const singleSignOnRoutes: readonly Route[] = [beginning, finishing, linking];
