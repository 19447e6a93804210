// The HTTP server of a gateway: hot routes first, Express for everything else. Slow clients are cut by Node's own clocks
// (reliability.md R-NET-4); streams are not: they have none on the answer.
import { createServer, type RequestListener, type Server } from 'node:http';
import { answerBadHttp } from './bad-http.ts';
import type { HotEntry } from './proxy/hot-routes.ts';

export function newHttpServer(hot: HotEntry, app: RequestListener): Server {
  const server = createServer(
    {
      headersTimeout: 10_000,
      requestTimeout: 120_000,
      keepAliveTimeout: 65_000,
      connectionsCheckingInterval: 1_000,
      maxHeaderSize: 16_384,
      noDelay: true,
      requireHostHeader: false, // Node would refuse without a word; api/proxy/head.ts says why
    },
    (req, res) => {
      if (!hot(req, res)) app(req, res);
    },
  );
  server.maxHeadersCount = 0; // no number: what is beyond one is dropped unsaid, where api/proxy/head.ts refuses
  server.on('clientError', answerBadHttp);
  // A client that has said all may close its half of the connection and read on; Node would hang up on it. Its types lack this.
  return Object.assign(server, { httpAllowHalfOpen: true });
}
