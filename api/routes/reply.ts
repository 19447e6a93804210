// What goes back to a caller. An answer passes through its route's schema on the way out: a field that the schema does not
// name does not leave (R-AZ-4), money becomes a decimal string, an instant RFC 3339.
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { TollgateError } from '../../domain/errors.ts';

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly text: string;
  /** In place of a text that is too long to be held as one. */
  readonly chunks?: AsyncIterable<string>;
}

export const JSON_TYPE = 'application/json; charset=utf-8';

/** It is not done yet: where to ask for it, and when. */
export function acceptedReply<R extends z.ZodType>(response: R, body: z.output<R>, askAt: string): Reply {
  const { headers, ...reply } = jsonReply(response, body, 202);
  return { ...reply, headers: { ...headers, location: askAt, 'retry-after': String(ASK_AFTER_S) } };
}

/** Most banks have answered by then. */
const ASK_AFTER_S = 5;

export function jsonReply<R extends z.ZodType>(response: R, body: z.output<R>, status: number): Reply {
  const encoded: unknown = z.encode(response, body);
  const text = JSON.stringify(encoded);
  return { status, headers: { 'content-type': JSON_TYPE, ...etagOf(encoded, text) }, text };
}

/** What a tag of something with a version is made of. */
interface Versioned {
  readonly version: number;
  /** Where the price in force is shown: another one comes into force by the clock, and no version moves then. */
  readonly priceVersion?: string | null;
}

/** Strong (D24). What has no version is named by the bytes that describe it. */
function etagOf(body: unknown, text: string): { readonly etag?: string } {
  if (typeof body !== 'object' || body === null || 'nextCursor' in body) return {};
  if (isVersioned(body)) return { etag: tagOf(body) };
  return { etag: `"${createHash('sha256').update(text).digest('hex').slice(0, 16)}"` };
}

function isVersioned(body: object): body is Versioned {
  return 'version' in body && typeof body.version === 'number';
}

function tagOf({ version, priceVersion }: Versioned): string {
  return priceVersion ? `"${version}-${priceVersion}"` : `"${version}"`;
}

/** The tags of what the caller has seen; 'any' where it does not care. */
export type IfMatch = readonly string[] | 'any';

/** A proxy that compresses makes a strong tag weak on its way out, and its client sends that back: both are read alike. */
export function tagsSeen(header: string | undefined, isRequired: boolean): IfMatch {
  if (header === undefined) {
    if (!isRequired) return 'any';
    throw new TollgateError('precondition_required', {
      message: 'Say in the header If-Match which version you change: the ETag of a GET, or * for whichever there is.',
      param: 'If-Match',
    });
  }
  return header.trim() === '*' ? 'any' : (header.match(/"[^"]*"/g) ?? []);
}

export function requireSeen(ifMatch: IfMatch, current: Versioned): void {
  const tag = tagOf(current);
  if (ifMatch === 'any' || ifMatch.includes(tag)) return;
  throw new TollgateError('precondition_failed', {
    message: `It was changed meanwhile: its ETag is ${tag} now. Read it again, then repeat your change.`,
    param: 'If-Match',
  });
}
