// The body as one Buffer, at most 32 MB: coding agents send 30-50 kB for a word and megabytes after some turns.
// Two listeners and no stream machinery: express.raw costs 6-25 µs a request here (hotpath.md 3).
import type { IncomingMessage } from 'node:http';
import { TollgateError } from '../../domain/errors.ts';

const MOST_BODY_BYTES = 32 * 1024 * 1024;

/** @throws TollgateError body_too_large, body_empty, unsupported_content_type */
export function readBody(req: IncomingMessage): Promise<Buffer> {
  refuseByHead(req);
  return new Promise((resolve, reject) => {
    let first: Buffer | null = null;
    let chunks: Buffer[] | null = null;
    let bytes = 0;
    req.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MOST_BODY_BYTES) {
        chunks = null; // what still comes is read and dropped (answerError), or the client could not hear the refusal
        reject(tooLarge(bytes));
      } else if (first === null) first = chunk;
      else if (chunks === null) chunks = [first, chunk];
      else chunks.push(chunk);
    });
    req.on('end', () => {
      if (first === null) reject(empty());
      else resolve(chunks === null ? first : Buffer.concat(chunks, bytes));
    });
    req.on('error', () =>
      reject(new TollgateError('invalid_json', { message: 'The request body ended early: send all of it.' })),
    );
  });
}

function refuseByHead(req: IncomingMessage): void {
  const { 'content-type': contentType, 'content-length': contentLength, 'content-encoding': encoding } = req.headers;
  if (contentLength === '0') throw empty();
  if (Number(contentLength) > MOST_BODY_BYTES) throw tooLarge(Number(contentLength));
  if (contentType !== undefined && !/^application\/([\w.-]+\+)?json\b/i.test(contentType)) {
    throw new TollgateError('unsupported_content_type', {
      message: `This endpoint takes application/json, not ${contentType.slice(0, 80)}. Send a JSON body with the header content-type: application/json.`,
    });
  }
  if (encoding !== undefined && encoding !== 'identity') {
    throw new TollgateError('unsupported_content_type', {
      message: `Compressed request bodies (content-encoding: ${encoding.slice(0, 40)}) are not accepted: send the JSON as it is.`,
    });
  }
}

function empty(): TollgateError {
  return new TollgateError('body_empty', {
    message: 'The request has no body: send a JSON object with at least "model".',
  });
}

function tooLarge(bytes: number): TollgateError {
  return new TollgateError('body_too_large', {
    message: `The request body is larger than ${MOST_BODY_BYTES} bytes (${bytes} seen): shorten the conversation or its attachments.`,
  });
}
