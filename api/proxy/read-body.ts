// The body as one Buffer, at most 32 MB: coding agents send 30-50 kB for a word and megabytes after some turns.
// Two listeners and no stream machinery: express.raw costs 6-25 µs a request here (hotpath.md 3).
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { TollgateError } from '../../domain/errors.ts';
import type { Flight, InFlight } from './in-flight.ts';

const MOST_BODY_BYTES = 32 * 1024 * 1024;
const LONGEST_SILENCE_MS = 10_000;

/** @throws TollgateError body_too_large, body_empty, unsupported_content_type, invalid_json, request_too_slow, service_unavailable */
export function readBody(req: IncomingMessage, openBodies: InFlight): Promise<Buffer> {
  refuseByHead(req);
  if (req.destroyed) throw endedEarly(); // while its key was looked up: of this neither event would tell any more
  return new Promise((resolve, reject) => {
    const fail = (error: TollgateError) => {
      openBodies.remove(arrival);
      reject(error);
    };
    const arrival = new Arrival(req.socket, fail);
    openBodies.add(arrival); // most bodies are whole in the same turn: a push and a pop, where a timer would cost 0.3 µs
    let first: Buffer | null = null;
    let chunks: Buffer[] | null = null;
    let bytes = 0;
    req.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MOST_BODY_BYTES) {
        chunks = null; // what still comes is read and dropped (answerError), or the client could not hear the refusal
        fail(tooLarge(bytes));
      } else if (first === null) first = chunk;
      else if (chunks === null) chunks = [first, chunk];
      else chunks.push(chunk);
    });
    req.on('end', () => {
      openBodies.remove(arrival);
      if (first === null) reject(empty());
      else resolve(chunks === null ? first : Buffer.concat(chunks, bytes));
    });
    req.on('error', () => fail(endedEarly()));
  });
}

/** A client that stands still must not hold a connection for as long as a slow one may take (reliability.md R-NET-4). */
class Arrival implements Flight {
  place = -1;
  readonly #socket: Socket;
  readonly #fail: (error: TollgateError) => void;
  #bytesRead = -1;
  #silentSinceMs = 0;

  constructor(socket: Socket, fail: (error: TollgateError) => void) {
    this.#socket = socket;
    this.#fail = fail;
  }

  /** Looks whether more has come, so that no chunk has to look at a clock. */
  tick(nowMs: number): void {
    const { bytesRead } = this.#socket;
    if (bytesRead !== this.#bytesRead) {
      this.#bytesRead = bytesRead;
      this.#silentSinceMs = nowMs;
    } else if (nowMs - this.#silentSinceMs > LONGEST_SILENCE_MS) this.#fail(tooSlow());
  }

  stop(): void {
    this.#fail(
      new TollgateError('service_unavailable', {
        message: 'This gateway is being restarted and did not wait for the rest of the request. Send it again.',
        retryAfterMs: 1_000,
      }),
    );
  }
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

function endedEarly(): TollgateError {
  return new TollgateError('invalid_json', { message: 'The request body ended early: send all of it.' });
}

function tooSlow(): TollgateError {
  return new TollgateError('request_too_slow', {
    message:
      'Nothing more of the request body came for 10 s. Send it again; a body may take 120 s if it does not stand still.',
  });
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
