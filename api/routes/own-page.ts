// Whether a browser sends something from one of our own pages. A cookie goes along also from a stranger's page, so it alone changes nothing (R-LOG-5).
import type { IncomingHttpHeaders } from 'node:http';
import { TollgateError } from '../../domain/errors.ts';

/** What carries a session has to show it. @throws TollgateError cross_site_request */
export function requireOwnPage(headers: IncomingHttpHeaders, origin: string): void {
  refuseForeignPage(headers, origin);
  if (headers.origin === undefined && headers['sec-fetch-site'] === undefined) {
    throw refusal('Say from which page this comes: send the header Origin.');
  }
  // A form of another site can send text, but no JSON that calls itself JSON.
  if (!/^application\/json\s*(;|$)/i.test(headers['content-type'] ?? '')) {
    throw refusal('With the cookie of a session a change is sent with content-type: application/json.');
  }
}

/** A program that is no browser says nothing of pages; it carries nobody's cookie either. @throws TollgateError cross_site_request */
export function refuseForeignPage({ origin: from, host, ...headers }: IncomingHttpHeaders, origin: string): void {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin') throw refusal(`A page of another site sent this (${site}).`);
  if (from === undefined || from === origin) return;
  // Reached by another of our names: a browser says both by itself, and no page can make it say otherwise.
  if (URL.canParse(from) && new URL(from).host === host) return;
  throw refusal('A page of another site sent this.');
}

function refusal(message: string): TollgateError {
  return new TollgateError('cross_site_request', { message });
}
