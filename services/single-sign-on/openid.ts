// OpenID Connect as we speak it: the code flow with PKCE, state and nonce, discovery at the issuer, and an ID token whose signature is checked by the
// issuer's keys. The library does the protocol; it is loaded by whoever needs it first, which most gateways never do. What is wrong with an answer is
// told in one way, and the provider's word for it goes along, since only its owner can put it right (D81).
import type { ClientAuth, Configuration, IDToken, UserInfoResponse } from 'openid-client';
import { TollgateError } from '../../domain/errors.ts';
import type { Egress } from '../egress/egress.ts';
import type { KnownProvider } from './identity-providers.ts';
import { fetchThrough } from './provider-fetch.ts';

/** Where a provider sends browsers back to: a page of the console. */
const RETURNS_TO = '/console/signed-on/';
const SCOPE = 'openid email profile';
/** How fresh it must be when somebody proves anew who he is. */
const FRESH_S = 5 * 60;
const LONGEST_NAME = 200;
/** At most so long, and ASCII (OpenID Connect Core 2). */
const SUBJECT = /^[ -~]{1,255}$/;
const ADDRESS = /^[!-?[-~]+@[!-?[-~]+$/;

/** All of it made of what the browser has (sign-ons.ts). */
export interface FlowSecrets {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
}

export interface Claims {
  readonly subject: string;
  /** Null: the provider has not said that he reads it. */
  readonly email: string | null;
  readonly name: string | null;
}

export class OpenId {
  readonly #egress: Egress;
  readonly #publicUrl: string;

  constructor(egress: Egress, publicUrl: string) {
    this.#egress = egress;
    this.#publicUrl = publicUrl;
  }

  /** Of each organization its own: it says who has answered, so that no provider is handed the code of another one (RFC 9700, 4.4). */
  redirectUriOf(orgId: string): string {
    return this.#publicUrl + RETURNS_TO + orgId;
  }

  /** Before somebody is held to it. @throws TollgateError invalid_body where no provider answers */
  async requireProvider(issuer: string, clientId: string, allowLocal: boolean): Promise<void> {
    try {
      await this.#configurationOf({ issuer, clientId, clientSecret: '', allowLocal });
    } catch (error) {
      throw new TollgateError('invalid_body', {
        message: `No OpenID provider answers at this issuer: ${reasonOf(error)}.`,
        param: 'issuer',
      });
    }
  }

  /** Where the browser goes. @throws TollgateError single_sign_on_unavailable */
  async addressToAsk(
    provider: KnownProvider,
    { state, nonce, codeVerifier }: FlowSecrets,
    { email, isProof }: { readonly email: string | null; readonly isProof: boolean },
  ): Promise<string> {
    const { buildAuthorizationUrl, calculatePKCECodeChallenge } = await import('openid-client');
    const configuration = await this.#configurationOf(provider).catch(asUnavailable);
    return buildAuthorizationUrl(configuration, {
      redirect_uri: this.redirectUriOf(provider.orgId),
      scope: SCOPE,
      ...{
        state,
        nonce,
        code_challenge: await calculatePKCECodeChallenge(codeVerifier),
        code_challenge_method: 'S256',
      },
      ...(email === null ? {} : { login_hint: email }),
      ...(isProof ? { prompt: 'login', max_age: String(FRESH_S) } : {}),
    }).href;
  }

  /** Who has come back. @throws TollgateError single_sign_on_unavailable, single_sign_on_failed */
  async claimsOf(
    provider: KnownProvider,
    { state, nonce, codeVerifier }: FlowSecrets,
    answered: URLSearchParams,
    isProof: boolean,
  ): Promise<Claims> {
    const { authorizationCodeGrant, fetchUserInfo } = await import('openid-client');
    const configuration = await this.#configurationOf(provider).catch(asUnavailable);
    const address = new URL(`${this.redirectUriOf(provider.orgId)}?${answered}`);
    const checks = {
      expectedState: state,
      expectedNonce: nonce,
      pkceCodeVerifier: codeVerifier,
      idTokenExpected: true,
    };
    try {
      const granted = await authorizationCodeGrant(configuration, address, {
        ...checks,
        ...(isProof ? { maxAge: FRESH_S } : {}),
      });
      const said = granted.claims();
      if (said === undefined) throw new Error('there is no ID token');
      if (!SUBJECT.test(said.sub)) throw new Error('its subject is none');
      if (said.email !== undefined || configuration.serverMetadata().userinfo_endpoint === undefined) return read(said);
      return read({ ...(await fetchUserInfo(configuration, granted.access_token, said.sub)), ...said });
    } catch (error) {
      throw failed(reasonOf(error));
    }
  }

  async #configurationOf(
    asked: Pick<KnownProvider, 'issuer' | 'clientId' | 'clientSecret' | 'allowLocal'>,
  ): Promise<Configuration> {
    const { issuer, clientId, clientSecret, allowLocal } = asked;
    const library = await import('openid-client');
    const { allowInsecureRequests, customFetch, discovery, enableNonRepudiationChecks } = library;
    const authentication: ClientAuth = (server, ...request) => {
      const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
      const isByHeader = methods.includes('client_secret_basic');
      return (isByHeader ? library.ClientSecretBasic : library.ClientSecretPost)(clientSecret)(server, ...request);
    };
    return discovery(new URL(issuer), clientId, undefined, authentication, {
      [customFetch]: fetchThrough(this.#egress, allowLocal),
      execute: [enableNonRepudiationChecks, ...(allowLocal ? [allowInsecureRequests] : [])],
    });
  }
}

function read({ sub, email, email_verified: isVerified, name }: IDToken | UserInfoResponse): Claims {
  return {
    subject: sub,
    email: isVerified === true && typeof email === 'string' ? address(email) : null,
    name: typeof name === 'string' ? line(name) : null,
  };
}

/** As addresses are here (migrations/0007). Null: it is none that we could write to. */
function address(text: string): string | null {
  const written = text.trim().toLowerCase();
  return written.length <= 254 && ADDRESS.test(written) ? written : null;
}

/** As a name has to be here. Null: nothing is left of it. */
function line(text: string): string | null {
  return (
    text
      .replace(/\p{Cc}/gu, '')
      .trim()
      .slice(0, LONGEST_NAME) || null
  );
}

/** In the protocol's own words where it has some; no text of a stranger's goes on. */
function reasonOf(thrown: unknown): string {
  const { error, code, cause } = Object(thrown);
  const named = [error, code, Object(cause).code].find(
    (word) => typeof word === 'string' && /^[\w.]{1,60}$/.test(word),
  );
  return typeof named === 'string' ? named : 'it does not answer as one';
}

/** Without its cause, which may hold what opens something. */
export function failed(reason: string): TollgateError {
  return new TollgateError('single_sign_on_failed', {
    message: `Your provider’s answer is not good here (${reason}), or too old, or was another browser’s. Begin again.`,
  });
}

function asUnavailable(error: unknown): never {
  throw new TollgateError('single_sign_on_unavailable', {
    message: `Your provider does not answer (${reasonOf(error)}). Try again in a minute.`,
    retryAfterMs: 30_000,
  });
}
