// The JSON body of a management request: at most 1 MiB, as it is (not compressed), UTF-8 without a flaw.
import type { IncomingHttpHeaders } from 'node:http';
import express from 'express';
import { TollgateError } from '../../domain/errors.ts';

export const MOST_BODY_BYTES = 1024 * 1024;

/** Leaves the bytes in req.body; what it refuses is told by error-answers.ts. */
export const bytesOfBody = express.raw({ type: () => true, limit: MOST_BODY_BYTES, inflate: false });

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** undefined: there is none. */
export function jsonIn(bytes: Buffer, headers: IncomingHttpHeaders): unknown {
  if (bytes.length === 0) return undefined;
  const contentType = headers['content-type'] ?? 'application/json';
  if (!/^application\/([\w.-]+\+)?json\s*(;|$)/i.test(contentType)) {
    throw new TollgateError('unsupported_content_type', {
      message: `The management API takes JSON, not ${contentType.slice(0, 80)}: send content-type: application/json.`,
    });
  }
  const text = decoded(bytes);
  try {
    return JSON.parse(text);
  } catch (error) {
    // The parser quotes what it choked on, and that may be a key.
    const at = error instanceof Error ? /at position \d+|end of JSON input/.exec(error.message)?.[0] : undefined;
    throw new TollgateError('invalid_json', {
      message: `The body is not valid JSON${at === undefined ? '' : ` (${at})`}.`,
    });
  }
}

function decoded(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new TollgateError('body_not_utf8', { message: 'The body is not valid UTF-8: encode it as UTF-8.' });
  }
}
