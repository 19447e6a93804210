// What production puts in front of Temporal: it speaks TLS only, asks callers for a certificate of our authority and for an API key, and
// hands on what comes from those who have both. The dev server itself can do neither.
import { once } from 'node:events';
import { connect, createSecureServer, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { authority, serverCertificate, serverKey } from './temporal-certificates.ts';

const UNAUTHENTICATED = '16';
/** Of HTTP/1, and what http2 writes itself. */
const NOT_HANDED_ON = [':status', 'connection'];

export interface GuardedTemporal {
  /** 127.0.0.1:<port> */
  readonly address: string;
  /** What callers without the key asked for. */
  readonly refused: readonly string[];
  stop(): Promise<void>;
}

export async function guardTemporal(temporalAddress: string, apiKey: string): Promise<GuardedTemporal> {
  const refused: string[] = [];
  const behind = connect(`http://${temporalAddress}`);
  const server = createSecureServer({
    key: serverKey,
    cert: serverCertificate,
    ca: authority,
    requestCert: true,
    rejectUnauthorized: true,
  });
  const sessions = new Set<{ destroy(): void }>();
  server.on('session', (session) => sessions.add(session));
  server.on('sessionError', () => undefined);
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    stream.on('error', () => undefined);
    if (headers.authorization === `Bearer ${apiKey}`) handOn(stream, headers);
    else {
      refused.push(headers[':path'] ?? '');
      stream.respond(
        { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': UNAUTHENTICATED },
        { endStream: true },
      );
    }
  });

  function handOn(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    const onward = behind.request({ ...headers, ':scheme': 'http', ':authority': temporalAddress });
    onward.on('error', () => stream.close());
    stream.on('close', () => onward.close());
    onward.on('response', (answer) => {
      const kept = Object.entries(answer).filter(([name]) => !NOT_HANDED_ON.includes(name));
      stream.respond({ ':status': answer[':status'] ?? 200, ...Object.fromEntries(kept) }, { waitForTrailers: true });
    });
    let trailers: IncomingHttpHeaders = {};
    onward.on('trailers', (told) => {
      trailers = told;
    });
    stream.on('wantTrailers', () => stream.sendTrailers(trailers));
    stream.pipe(onward);
    onward.pipe(stream);
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    refused,
    async stop() {
      for (const session of sessions) session.destroy();
      behind.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
