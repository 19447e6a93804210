// The only connections to upstreams: to an address that was resolved once, judged before connecting and looked at again after it
// (R-NET-1). No redirect, no proxy of the environment, no name but the URL's own.
import { isIP, type LookupFunction, connect as openTcp, type Socket } from 'node:net';
import { connect as openTls } from 'node:tls';
import type { Dial } from './upstream-connection.ts';

const CONNECT_TIMEOUT_MS = 5_000;
const TCP_KEEP_ALIVE_MS = 60_000;
/** Of all connections: a read is taken apart before the next one begins. Of its own, each open stream would hold 64 KB. */
const READ_BUFFER = Buffer.allocUnsafe(65_536);

export interface Guard {
  /** Answers with addresses that may be connected to, or with an error. */
  readonly lookup: LookupFunction;
  /** Why what a connection ended up at must not be talked to; null: it may. */
  readonly refusalOf: (address: string) => Error | null;
}

export function dialTo(url: URL, { lookup, refusalOf }: Guard): Dial {
  const isTls = url.protocol === 'https:';
  const hostname = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const options = {
    host: hostname,
    port: Number(url.port) || (isTls ? 443 : 80),
    lookup,
    autoSelectFamily: true, // one look-up a connection, then these very addresses one after the other
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: TCP_KEEP_ALIVE_MS,
  };
  const tlsOptions = { ALPNProtocols: ['http/1.1'], ...(isIP(hostname) === 0 ? { servername: hostname } : {}) };
  let session: Buffer | undefined;
  return (opened, read) => {
    const onread = read === null ? {} : { onread: { buffer: READ_BUFFER, callback: readsInto(read) } };
    const socket = isTls
      ? openTls({ ...options, ...tlsOptions, ...onread, ...(session === undefined ? {} : { session }) })
      : openTcp({ ...options, ...onread });
    socket.on('session', (resumable: Buffer) => {
      session = resumable;
    });
    tellOnce(socket, isTls ? 'secureConnect' : 'connect', refusalOf, opened);
    return socket;
  };
}

function readsInto(read: (bytes: Buffer) => void): (length: number) => boolean {
  return (length) => {
    read(READ_BUFFER.subarray(0, length));
    return true;
  };
}

function tellOnce(
  socket: Socket,
  connected: 'connect' | 'secureConnect',
  refusalOf: Guard['refusalOf'],
  opened: (error: Error | null) => void,
): void {
  const timer = setTimeout(
    () => socket.destroy(new Error(`no connection within ${CONNECT_TIMEOUT_MS} ms`)),
    CONNECT_TIMEOUT_MS,
  );
  const failed = (error: Error) => {
    clearTimeout(timer);
    opened(error);
  };
  socket.once('error', failed);
  socket.once('close', () => clearTimeout(timer));
  socket.once(connected, () => {
    clearTimeout(timer);
    const refusal = refusalOf(socket.remoteAddress ?? '');
    if (refusal !== null) {
      socket.destroy(refusal); // heard as its error, before a byte of a request was sent
      return;
    }
    socket.off('error', failed);
    opened(null);
  });
}
