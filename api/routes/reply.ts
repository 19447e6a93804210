// What goes back to a caller. An answer passes through its route's schema on the way out: a field that the schema does not
// name does not leave (R-AZ-4), money becomes a decimal string, an instant RFC 3339.
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { TollgateError } from '../../domain/errors.ts';

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

export const JSON_TYPE = 'application/json; charset=utf-8';

export function jsonReply<R extends z.ZodType>(response: R, body: z.output<R>, status: number): Reply {
  const encoded: unknown = z.encode(response, body);
  const text = JSON.stringify(encoded);
  return { status, headers: { 'content-type': JSON_TYPE, ...etagOf(encoded, text) }, text };
}

/** Weak, because it names the state of the thing, not the bytes that describe it; what has no version is named by them. */
function etagOf(body: unknown, text: string): { readonly etag?: string } {
  if (typeof body !== 'object' || body === null || 'nextCursor' in body) return {};
  if ('version' in body && typeof body.version === 'number') return { etag: `W/"${body.version}"` };
  return { etag: `W/"${createHash('sha256').update(text).digest('hex').slice(0, 16)}"` };
}

/** The version that the caller has seen; 'any' where it does not care. */
export type IfMatch = number | 'any';

export function versionSeen(header: string | undefined): IfMatch {
  if (header === undefined) {
    throw new TollgateError('precondition_required', {
      message: 'Say in the header If-Match which version you change: the ETag of a GET, or * for whichever there is.',
      param: 'If-Match',
    });
  }
  if (header.trim() === '*') return 'any';
  return Number(/^(?:W\/)?"(\d{1,9})"$/.exec(header.trim())?.[1] ?? Number.NaN);
}

export function requireVersion(ifMatch: IfMatch, current: number): void {
  if (ifMatch === 'any' || ifMatch === current) return;
  throw new TollgateError('precondition_failed', {
    message: `It was changed meanwhile: its ETag is W/"${current}" now. Read it again, then repeat your change.`,
    param: 'If-Match',
  });
}
