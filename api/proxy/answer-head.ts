// The headers of an answer. Rebuilt, never passed on: an upstream's cookies, organization ids and rate headers are not the
// customer's business (reliability.md R-NET-7).
import { rateLimitHeaders } from '../../services/limits/rate-limit-headers.ts';
import { scopesOf } from './admit.ts';
import { CLIENT_REQUEST_ID, clientRequestIdIn } from './client-request-id.ts';
import type { Exchange } from './exchange.ts';
import type { ProxyParts } from './proxy-parts.ts';

/** Flat names and values, as writeHead takes them fastest. */
export function plainHead(parts: ProxyParts, exchange: Exchange, contentLength: number): string[] {
  const head = ['content-type', 'application/json', 'content-length', String(contentLength)];
  return addCommon(parts, exchange, head, exchange.attempts.length);
}

/** no-transform and no buffering: a proxy in between must not collect events. */
export function streamHead(parts: ProxyParts, exchange: Exchange): string[] {
  const head = [
    'content-type',
    'text/event-stream; charset=utf-8',
    'cache-control',
    'no-cache, no-transform',
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
  const nowMs = parts.incarnation.timeMs();
  const state = parts.limiter.state(scopesOf(admitted.apiKey, admitted.model), nowMs);
  return head.concat(rateLimitHeaders(exchange.dialect.errorFamily, state, nowMs));
}
