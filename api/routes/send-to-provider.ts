// Sending a browser to a provider, whoever asks for it: with a secret of which all is made that the provider is told, and a row of who was sent.
import type { PoolClient } from 'pg';
import type { KnownProvider } from '../../services/single-sign-on/identity-providers.ts';
import {
  type BegunSignOn,
  beginSignOn,
  flowSecretsOf,
  newBrowserSecret,
  SIGN_ON_VALID_S,
} from '../../services/single-sign-on/sign-ons.ts';
import type { AppDependencies } from './app-dependencies.ts';

interface SentToProvider {
  readonly answer: { readonly url: string };
  readonly cookies: readonly string[];
}

/** The provider is asked for its addresses before there is a transaction, in which the rest is done. @throws TollgateError single_sign_on_unavailable */
export async function sendToProvider(
  { accounts: { cookies }, singleSignOn }: AppDependencies,
  provider: KnownProvider,
  asked: Omit<BegunSignOn, 'orgId'>,
): Promise<(tx: PoolClient) => Promise<SentToProvider>> {
  const { email, purpose } = asked;
  const secret = newBrowserSecret();
  const isProof = purpose === 'proof';
  const url = await singleSignOn.openId.addressToAsk(provider, flowSecretsOf(secret), { email, isProof });
  return async (tx) => {
    await beginSignOn(tx, secret, { orgId: provider.orgId, ...asked });
    return { answer: { url }, cookies: [cookies.set(cookies.signOn, secret, SIGN_ON_VALID_S)] };
  };
}
