// The headers of an answer. Rebuilt, never passed on: an upstream's cookies, organization ids and rate headers are not the
// customer's business (reliability.md R-NET-7). Nothing of an answer may be kept by a cache or guessed at by a browser (R-NET-9).
import { rateLimitHeaders } from '../../services/limits/rate-limit-headers.ts';
import type { RateScope } from '../../services/limits/rate-limiter.ts';
import { scopesOf } from './admit.ts';
import { CLIENT_REQUEST_ID, clientRequestIdIn } from './client-request-id.ts';
import type { Exchange } from './exchange.ts';
import type { ProxyParts } from './proxy-parts.ts';

/** Flat names and values, as writeHead takes them fastest. */
export function plainHead(parts: ProxyParts, exchange: Exchange, contentLength: number): string[] {
  const head = [
    'content-type',
    'application/json',
    'content-length',
    String(contentLength),
    'cache-control',
    'no-store',
    'x-content-type-options',
    'nosniff',
  ];
  return addCommon(parts, exchange, head, exchange.attempts.length);
}

/** no-cache, no-transform and no buffering: a proxy in between must not collect events. */
export function streamHead(parts: ProxyParts, exchange: Exchange): string[] {
  const head = [
    'content-type',
    'text/event-stream; charset=utf-8',
    'cache-control',
    'no-store, no-cache, no-transform',
    'x-content-type-options',
    'nosniff',
    'x-accel-buffering',
    'no',
  ];
  return addCommon(parts, exchange, head, exchange.attempts.length + 1); // the one that answers has no row yet
}

function addCommon(parts: ProxyParts, exchange: Exchange, head: string[], attempts: number): string[] {
  head.push('x-request-id', exchange.requestId);
  if (exchange.dialect.errorFamily === 'anthropic') head.push('request-id', exchange.requestId);
  const clientsOwn = clientRequestIdIn(exchange.req.headers);
  if (clientsOwn !== null) head.push(CLIENT_REQUEST_ID, clientsOwn);
  head.push('x-tollgate-channel-attempts', String(attempts));
  const { admitted } = exchange;
  if (admitted === null) return head;
  if (admitted.loweredCap !== null) head.push('x-tollgate-clamped-max-tokens', String(admitted.loweredCap));
  return head.concat(rateHead(parts, exchange, scopesOf(admitted.apiKey, admitted.model)));
}

/** Of a refusal: the rates of the key as far as it is known, which a 429 needs most. */
export function refusalHead(parts: ProxyParts, exchange: Exchange): Record<string, string> {
  const { apiKey, facts } = exchange;
  if (apiKey === null) return {};
  const routedModel = facts === null ? undefined : parts.routing().models.get(facts.modelId);
  const head = rateHead(parts, exchange, routedModel === undefined ? apiKey.rateScopes : scopesOf(apiKey, routedModel));
  return Object.fromEntries(head.flatMap((name, at) => (at % 2 === 0 ? [[name, head[at + 1] ?? '']] : [])));
}

function rateHead(parts: ProxyParts, exchange: Exchange, scopes: readonly RateScope[]): string[] {
  const nowMs = parts.incarnation.realTimeMs();
  return rateLimitHeaders(exchange.dialect.errorFamily, parts.limiter.state(scopes, nowMs), nowMs);
}
