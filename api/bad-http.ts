// What is not HTTP gets an answer and no second chance: smuggled lengths, oversized heads, clients too slow to finish.
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { newId } from '../services/platform/ids.ts';

interface Refusal {
  readonly status: string;
  readonly code: string;
  readonly message: string;
}

const REFUSALS: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: {
    status: '431 Request Header Fields Too Large',
    code: 'headers_too_large',
    message: 'The request head is larger than 16 KiB: send fewer or shorter headers.',
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: '408 Request Timeout',
    code: 'request_too_slow',
    message: 'The request did not arrive in time: send its head within 10 s and its body within 120 s.',
  },
};
const MALFORMED: Refusal = {
  status: '400 Bad Request',
  code: 'malformed_http',
  message:
    'This is not a well-formed HTTP/1.1 request: check its headers, and send either Content-Length or Transfer-Encoding, not both.',
};

/** For http.Server's 'clientError': the parser gave up, so there is no response object. */
export function answerBadHttp(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable || hasAnswered(socket)) {
    socket.destroy();
    return;
  }
  const { status, code, message } = REFUSALS[error.code ?? ''] ?? MALFORMED;
  const requestId = newId();
  const body = JSON.stringify({
    error: { message: `${message} (request id: ${requestId})`, type: 'invalid_request_error', param: null, code },
  });
  socket.end(
    `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nx-request-id: ${requestId}\r\nx-should-retry: false\r\nconnection: close\r\n\r\n${body}`,
  );
}

/** Bytes in the middle of an answer that is being written would corrupt it. */
function hasAnswered(socket: Duplex): boolean {
  return (socket as Socket).bytesWritten > 0 && (socket as Socket).writableLength > 0;
}
