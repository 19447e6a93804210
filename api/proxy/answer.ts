// The last bytes that the client gets: the held end of its answer once the charge is durable, or an error in its own format.
// A stream that has begun never ends cleanly after an error: the event, then a destroyed socket (ecosystem.md 0.4).
import type { IncomingMessage } from 'node:http';
import { TollgateError } from '../../domain/errors.ts';
import { crashPoint } from '../../services/platform/crash-points.ts';
import { plainHead, refusalHead } from './answer-head.ts';
import { SPENT_HEADER } from './attempt-budget.ts';
import type { PlainAnswer, StreamedAnswer } from './attempt-end.ts';
import { CLIENT_REQUEST_ID, clientRequestIdIn } from './client-request-id.ts';
import type { Exchange } from './exchange.ts';
import type { ProxyParts } from './proxy-parts.ts';
import { cutIfStuck } from './stuck-reader.ts';

/** How long a refused client may go on sending before its connection is closed all the same. */
const LINGER_MS = 2_000;

/** One latin1 string goes out in one write with the head; a Buffer would cost 5 µs more (hotpath.md 3). Byte-exact: it was read as latin1. */
export function answerPlain(parts: ProxyParts, exchange: Exchange, { status, body }: PlainAnswer): void {
  crashPoint('before-last-byte');
  exchange.answering = true;
  exchange.res.writeHead(status, plainHead(parts, exchange, body.length));
  exchange.res.end(body.toString('latin1'), 'latin1');
  cutIfStuck(exchange.res);
}

export function endStream(exchange: Exchange, { held }: StreamedAnswer, tailOf: (held: string) => string): void {
  crashPoint('before-last-byte');
  exchange.res.end(tailOf(held), 'latin1');
  cutIfStuck(exchange.res);
}

/** In the caller's dialect, at whatever point the request is. */
export function answerError(parts: ProxyParts, exchange: Exchange, error: TollgateError): void {
  const { res, dialect, requestId } = exchange;
  if (exchange.clientGone || res.destroyed) return;
  if (res.headersSent) {
    res.write(dialect.errorEvent(error, requestId), () => res.destroy());
    cutIfStuck(res);
    return;
  }
  exchange.answering = true;
  const { status, headers, body } = dialect.errorAnswer(error, requestId);
  if (exchange.budget.spent > 0) headers[SPENT_HEADER] = String(exchange.budget.spent);
  const clientsOwn = clientRequestIdIn(exchange.req.headers);
  if (clientsOwn !== null) headers[CLIENT_REQUEST_ID] = clientsOwn;
  const unread = exchange.req.readableEnded ? {} : { connection: 'close' };
  res.writeHead(status, {
    ...headers,
    ...refusalHead(parts, exchange),
    ...unread,
    'content-length': Buffer.byteLength(body),
  });
  res.write(body);
  afterBody(exchange.req, () => res.end());
}

/** Closing on a client that still sends resets its connection: it would see a broken pipe and never the answer. */
function afterBody(req: IncomingMessage, close: () => void): void {
  if (req.readableEnded || req.destroyed) {
    close();
    return;
  }
  const patience = setTimeout(close, LINGER_MS);
  req.once('close', () => {
    clearTimeout(patience);
    close();
  });
  req.resume();
}

export function asTollgateError(error: unknown): TollgateError {
  if (error instanceof TollgateError) return error;
  return new TollgateError('internal_error', {
    message:
      'Something went wrong in the gateway; it has been logged. Nothing was charged for what you did not receive.',
    cause: error,
  });
}
