// What is not HTTP gets an answer and no second chance: smuggled lengths, oversized heads, clients too slow to finish. There is no
// request to answer, or only half of one, so its format is guessed from what can be seen of the path.
import { type IncomingHttpHeaders, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { TollgateError } from '../domain/errors.ts';
import { newId } from '../services/platform/ids.ts';
import { isTooLong, urlTooLong } from './proxy/head.ts';
import { dialectAt, withoutQuery } from './proxy/hot-routes.ts';
import { replyFor } from './routes/error-answers.ts';
import { ALWAYS } from './routes/request-ids.ts';

/** How long a client that goes on sending is listened to: closing on it would reset the connection before it reads the answer. */
const LINGER_MS = 2_000;

/** Node's parser adds what it was fed; its clocks have nothing to add. */
interface HttpFault extends NodeJS.ErrnoException {
  readonly rawPacket?: Buffer;
}

/** The answer that the connection has come to, if that request's head was whole. Node's own 'clientError' goes by it as well. */
interface ServerSocket extends Duplex {
  readonly _httpMessage?: ServerResponse | null;
}

/** For http.Server's 'clientError': the parser gave up. It says so again of each packet that follows. */
export function answerBadHttp(fault: HttpFault, socket: ServerSocket): void {
  if (socket.writableEnded) return;
  const open = socket._httpMessage ?? null;
  // Bytes in the middle of an answer that is being written would corrupt it.
  if (fault.code === 'ECONNRESET' || !socket.writable || open?.headersSent) {
    socket.destroy();
    return;
  }
  const url = open?.req.url ?? urlIn(fault.rawPacket);
  socket.end(answerText(url, open?.req.headers ?? {}, errorOf(fault, url)));
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}

/** Empty: the packet does not begin with a request, but with more of one. */
function urlIn(packet: Buffer | undefined): string {
  return /^[A-Z]+ (\S+)/.exec(packet?.toString('latin1') ?? '')?.[1] ?? '';
}

function errorOf({ code }: HttpFault, url: string): TollgateError {
  if (code === 'HPE_HEADER_OVERFLOW') {
    if (isTooLong(url)) return urlTooLong();
    return new TollgateError('headers_too_large', {
      message: 'The request head is larger than 16 KiB: send fewer or shorter headers.',
    });
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new TollgateError('request_too_slow', {
      message: 'The request did not arrive in time: send its head within 10 s and its body within 120 s.',
    });
  }
  return new TollgateError('malformed_http', {
    message:
      'This is not a well-formed HTTP/1.1 request: check its headers, and send either Content-Length or Transfer-Encoding, not both.',
  });
}

function answerText(url: string, callerHeaders: IncomingHttpHeaders, error: TollgateError): string {
  const requestId = newId();
  const { status, headers, body } = inFormatOf(url, callerHeaders, error, requestId);
  const head = {
    ...ALWAYS,
    ...headers,
    'x-request-id': requestId,
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  };
  const lines = Object.entries(head).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`;
}

function inFormatOf(url: string, headers: IncomingHttpHeaders, error: TollgateError, requestId: string) {
  const dialect = dialectAt(url);
  if (dialect !== undefined) return dialect.errorAnswer(error, requestId);
  const reply = replyFor({ path: withoutQuery(url), originalUrl: url, headers }, error, requestId);
  return { ...reply, body: reply.text };
}
