// What a head must keep to beyond what Node's parser refuses by itself (reliability.md R-NET-3). Fields are counted here because
// Node's own maxHeadersCount drops those beyond it without a word: the credential, or a length, would be gone as if never sent.
import type { IncomingMessage } from 'node:http';
import { TollgateError } from '../../domain/errors.ts';

const MOST_FIELDS = 64;
const MOST_URL_CHARACTERS = 8_192;

/** @throws TollgateError headers_too_large, url_too_long, malformed_http */
export function refuseHead({ rawHeaders, url = '', headers, httpVersionMinor }: IncomingMessage): void {
  if (rawHeaders.length > 2 * MOST_FIELDS) {
    throw new TollgateError('headers_too_large', {
      message: `The request has ${rawHeaders.length / 2} header fields; at most ${MOST_FIELDS} are taken: send fewer.`,
    });
  }
  if (isTooLong(url)) throw urlTooLong();
  if (headers.host === undefined && httpVersionMinor !== 0) {
    throw new TollgateError('malformed_http', { message: 'The request has no Host header, which HTTP/1.1 requires.' });
  }
}

export function isTooLong(url: string): boolean {
  return url.length > MOST_URL_CHARACTERS;
}

export function urlTooLong(): TollgateError {
  return new TollgateError('url_too_long', {
    message: `The URL is longer than ${MOST_URL_CHARACTERS} characters: put into the body what it carries.`,
  });
}
