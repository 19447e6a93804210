// Whose request it is. The cache answers in memory; only a key that was never seen waits for PostgreSQL, and a silent PostgreSQL
// is 503, never 401: a customer must not be told that a good key is bad (reliability.md 0.7).
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { type ErrorCode, TollgateError } from '../../domain/errors.ts';
import { type AddressList, clientAddress } from '../../services/api-keys/address-list.ts';
import type { ApiKeyCache, ApiKeyEntry, OwnAddressList } from '../../services/api-keys/api-key-cache.ts';
import { digestOf, hasValidChecksum } from '../../services/api-keys/credential.ts';
import type { ReplacedCredentials } from '../../services/api-keys/replaced-credentials.ts';

export interface Authentication {
  readonly apiKeys: ApiKeyCache;
  readonly replacedCredentials: ReplacedCredentials;
  readonly trustedProxies: AddressList;
  /** PostgreSQL's clock, in milliseconds since the epoch: expiry is judged by it. */
  readonly timeMs: () => number;
}

/** Returns at once when the key is known. @throws TollgateError of the 401 and 403 kinds, service_unavailable */
export function authenticate(parts: Authentication, req: IncomingMessage): ApiKeyEntry | Promise<ApiKeyEntry> {
  const credential = credentialOf(req.headers, req.url ?? '');
  const digest = digestOf(credential);
  const known = parts.apiKeys.cached(digest);
  if (known !== undefined) return checked(parts, req, known);
  // A typing error, or a random string: the checksum tells without a look at the database.
  if (!hasValidChecksum(credential)) return checked(parts, req, 'unknown');
  return parts.apiKeys.load(digest).then((loaded) => checked(parts, req, loaded));
}

function credentialOf(headers: IncomingHttpHeaders, url: string): string {
  const { authorization } = headers;
  if (authorization !== undefined) {
    if (authorization.startsWith('Bearer ') || authorization.startsWith('bearer '))
      return authorization.slice(7).trim();
    throw wrongHeader('the Authorization header must read "Bearer sk-tg-..."');
  }
  const direct = headers['x-api-key'] ?? headers['x-goog-api-key'];
  if (typeof direct === 'string' && direct !== '') return direct.trim();
  if (headers['api-key'] !== undefined || headers['x-api-token'] !== undefined)
    throw wrongHeader('it came in another header');
  if (/[?&](key|api_key|access_token)=/.test(url))
    throw wrongHeader('it came in the URL, where it ends up in logs; treat it as leaked');
  throw new TollgateError('missing_api_key', {
    message:
      'No API key. Send it as "Authorization: Bearer sk-tg-..." (or x-api-key). Ask the administrator of your organization for one.',
  });
}

function wrongHeader(what: string): TollgateError {
  return new TollgateError('api_key_in_wrong_header', {
    message: `The API key was not read: ${what}. Send it as "Authorization: Bearer sk-tg-...".`,
  });
}

function checked(parts: Authentication, req: IncomingMessage, apiKey: ApiKeyEntry | 'unknown'): ApiKeyEntry {
  if (apiKey === 'unknown') {
    throw new TollgateError('invalid_api_key', {
      message:
        'This API key is not known here. Check that all of it was copied (sk-tg- and 49 characters), or ask the administrator of your organization for a new one.',
    });
  }
  const name = `${apiKey.prefix}...${apiKey.lastFour}`;
  if (apiKey.disabled !== null) throw outOfUse(apiKey.disabled, name);
  if (apiKey.expiresAtMs !== null && parts.timeMs() >= apiKey.expiresAtMs) {
    throw new TollgateError('api_key_expired', {
      message: `The API key ${name} expired at ${new Date(apiKey.expiresAtMs).toISOString()}. Ask the administrator of your organization for a new one.`,
    });
  }
  if (apiKey.replaced !== null && (apiKey.replaced.hasEnded || parts.timeMs() >= apiKey.replaced.untilMs)) {
    throw new TollgateError('api_key_expired', {
      message: `The API key ${name} was rolled, and ended at ${new Date(apiKey.replaced.untilMs).toISOString()}. Use the one that took its place, or ask the administrator of your organization for it.`,
    });
  }
  if (apiKey.addressLists !== null) refuseForeignAddress(parts, req, apiKey.addressLists, name);
  if (apiKey.replaced !== null) {
    parts.replacedCredentials.used(apiKey.replaced.rotationId, addressOf(req, parts.trustedProxies));
  }
  return apiKey;
}

const OUT_OF_USE: { readonly [D in NonNullable<ApiKeyEntry['disabled']>]: readonly [code: ErrorCode, what: string] } = {
  key: [
    'api_key_disabled',
    'is disabled. Ask the administrator of your organization to enable it, or use another one.',
  ],
  leak: [
    'api_key_frozen',
    'is frozen, because it was found where others can read it. Whoever runs your organization can roll it in the console, under API keys: another one takes its place.',
  ],
  member: [
    'api_key_disabled',
    'belongs to a member who is suspended or has left. Ask the administrator of your organization, or use another one.',
  ],
};

function outOfUse(disabled: keyof typeof OUT_OF_USE, name: string): TollgateError {
  const [code, what] = OUT_OF_USE[disabled];
  return new TollgateError(code, { message: `The API key ${name} ${what}` });
}

/** Whoever has a key of the organization may know whose list it is: it is where the address has to be added. */
const LIST_OF: { readonly [O in OwnAddressList['owner']]: string } = {
  key: "the key's own list",
  project: "the list of the key's project (its sub-account)",
  organization: 'the list that holds for all API keys of your organization',
};

function refuseForeignAddress(
  parts: Authentication,
  req: IncomingMessage,
  lists: readonly OwnAddressList[],
  name: string,
): void {
  const address = addressOf(req, parts.trustedProxies);
  const refusing = lists.find(({ addresses }) => !addresses.matches(address));
  if (refusing === undefined) return;
  throw new TollgateError('ip_not_allowed', {
    message: `The API key ${name} may not be used from ${address}. Ask the administrator of your organization to add the address to ${LIST_OF[refusing.owner]}.`,
  });
}

/** From which a request came, as far as our own proxies say. */
export function addressOf(req: IncomingMessage, trustedProxies: AddressList): string {
  return clientAddress(req.socket.remoteAddress ?? '', forwardedFor(req), trustedProxies);
}

/** Several headers of the name are one list (RFC 9110 5.3). */
function forwardedFor(req: IncomingMessage): string | undefined {
  const value = req.headers['x-forwarded-for'];
  return Array.isArray(value) ? value.join(',') : value;
}
