// A real OpenID provider on this machine (npm oidc-provider): whoever types a number into its form is that one, and its ID tokens can be spoiled as those
// of a provider that is not well made, or is somebody else's.
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { type Adapter, type AdapterPayload, Provider } from 'oidc-provider';

export interface SomebodyThere {
  readonly email: string;
  readonly emailVerified: boolean;
  readonly name?: string;
}

type Claims = Readonly<Record<string, unknown>>;

/** Of an ID token: other claims, or another signature. */
export type Fault = (claims: Claims) => { readonly claims?: Claims; readonly signedBy?: KeyObject };

export interface IdentityProviderServer {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** By their numbers. */
  readonly people: Map<string, SomebodyThere>;
  fault: Fault | null;
  close(): Promise<void>;
}

/** returnsTo: below it, for each organization. host: by which browsers and we reach it. */
export async function startIdentityProvider(returnsTo: string, host = '127.0.0.1'): Promise<IdentityProviderServer> {
  const http = createServer().listen(0, host);
  await once(http, 'listening');
  const issuer = `http://${host}:${(http.address() as AddressInfo).port}`;
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const people = new Map<string, SomebodyThere>();
  const server: IdentityProviderServer = {
    ...{ issuer, clientId: 'tollgate', clientSecret: randomBytes(24).toString('hex'), people },
    fault: null,
    async close() {
      http.closeAllConnections();
      http.close();
      await once(http, 'close');
    },
  };
  const provider = providerOf(server, returnsTo, privateKey);
  const answer = provider.callback();
  http.on('request', (req, res) => {
    if (req.url?.startsWith(FORM)) void formAnswered(provider, req, res);
    else void answer(req, res);
  });
  return server;
}

function providerOf(server: IdentityProviderServer, returnsTo: string, privateKey: KeyObject): Provider {
  const { issuer, clientId, clientSecret, people } = server;
  const provider = new Provider(issuer, {
    clients: [{ client_id: clientId, client_secret: clientSecret, redirect_uris: [returnsTo] }],
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: 'of-the-test', use: 'sig', alg: 'RS256' }] },
    cookies: { keys: [randomBytes(16).toString('hex')] },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    async findAccount(_context, accountId) {
      const { email, emailVerified, name } = people.get(accountId) ?? { email: undefined, emailVerified: false };
      return { accountId, claims: () => ({ sub: accountId, email, email_verified: emailVerified, name }) };
    },
    ttl: { Interaction: 600, Grant: 600, Session: 600, AccessToken: 600, IdToken: 600 },
    adapter: () => new Memory(),
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_context, { uid }) => `${FORM}${uid}` },
    // Nobody is asked what he lets us see.
    async loadExistingGrant({ oidc }) {
      const grant = new oidc.provider.Grant({ clientId, accountId: oidc.session?.accountId });
      grant.addOIDCScope('openid email profile');
      await grant.save();
      return grant;
    },
  });
  provider.Client.prototype.redirectUriAllowed = (uri: string) => uri.startsWith(`${returnsTo}/`);
  provider.use(async (context, next) => {
    await next();
    const body: { id_token?: string } = Object(context.body);
    if (server.fault === null || body.id_token === undefined) return;
    context.body = { ...body, id_token: spoiled(body.id_token, server.fault, privateKey) };
  });
  return provider;
}

const FORM = '/sign-in/';

async function formAnswered(provider: Provider, req: IncomingMessage, res: ServerResponse): Promise<void> {
  if (req.method !== 'POST') {
    res.setHeader('content-type', 'text/html').end(
      `<!doctype html><html lang="en"><title>Company</title><h1>Company</h1>
       <form method="post"><label>Number <input name="login"></label><button>Sign in there</button></form></html>`,
    );
    return;
  }
  const accountId = new URLSearchParams(await text(req)).get('login') ?? '';
  await provider.interactionFinished(req, res, { login: { accountId } });
}

/** What it keeps, of one kind. */
class Memory implements Adapter {
  readonly #kept = new Map<string, AdapterPayload>();

  async upsert(id: string, payload: AdapterPayload): Promise<void> {
    this.#kept.set(id, payload);
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    return this.#kept.get(id);
  }

  async findByUid(uid: string): Promise<AdapterPayload | undefined> {
    return [...this.#kept.values()].find((payload) => payload.uid === uid);
  }

  async findByUserCode(): Promise<undefined> {}

  async consume(id: string): Promise<void> {
    const payload = this.#kept.get(id);
    if (payload !== undefined) payload.consumed = Math.floor(Date.now() / 1_000);
  }

  async destroy(id: string): Promise<void> {
    this.#kept.delete(id);
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    for (const [id, payload] of this.#kept) if (payload.grantId === grantId) this.#kept.delete(id);
  }
}

function spoiled(idToken: string, fault: Fault, privateKey: KeyObject): string {
  const [head = '', payload = ''] = idToken.split('.');
  const said = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as Claims;
  const { claims = said, signedBy = privateKey } = fault(said);
  const told = `${head}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`;
  return `${told}.${sign('sha256', Buffer.from(told), signedBy).toString('base64url')}`;
}

/** As a browser of his at the provider. Answers what he is sent back to us with. */
export async function signInThere(url: string, login: string): Promise<Readonly<Record<string, string>>> {
  const cookies = new Map<string, string>();
  let [address, form]: [string, URLSearchParams | null] = [url, null];
  for (let hops = 0; hops < 12; hops += 1) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer: Response = await fetch(address, {
      redirect: 'manual',
      headers: { cookie },
      ...(form === null ? {} : { method: 'POST', body: form }),
    });
    for (const set of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(set) ?? [];
      cookies.set(name, value);
    }
    const location = answer.headers.get('location');
    form = location === null ? new URLSearchParams({ login }) : null;
    if (location === null) continue;
    const next = new URL(location, address);
    const [, orgId] = /\/signed-on\/([^/]+)$/.exec(next.pathname) ?? [];
    if (orgId !== undefined) return { orgId, ...Object.fromEntries(next.searchParams) };
    address = next.href;
  }
  throw new Error(`the provider leads nowhere: ${address}`);
}
