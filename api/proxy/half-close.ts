// A client that closed its half of the connection may still read (gateways.md T21); from one that left, the same FIN comes. The
// difference shows when we send: the latter's system answers with a reset, and what we send next fails. So at a FIN we send
// what means nothing to whoever reads on, and send it again when a reset would be here.
import type { Exchange } from './exchange.ts';

/** Across a room, across a continent, across a bad line. Later than that, the answer itself finds out. */
const ASK_AFTER_MS = [50, 500, 5_000];

/** Returns how to stop listening, once the answer is over. */
export function hearHalfClose(exchange: Exchange): () => void {
  const { socket } = exchange.req;
  const heard = () => ask(exchange, 0);
  socket.once('end', heard);
  return () => socket.off('end', heard);
}

function ask(exchange: Exchange, round: number): void {
  const { req, res, dialect } = exchange;
  if (res.destroyed || res.writableEnded || !req.complete) return;
  if (!res.headersSent) {
    if (req.httpVersionMinor === 0)
      res.destroy(); // HTTP/1.0 knows no interim answers
    else res.writeProcessing();
  } else if (exchange.onClientGone !== null) {
    res.write(dialect.keepAlive); // an attempt that answers and is not over is a stream, and it stands between two events
  }
  const waitMs = ASK_AFTER_MS[round];
  if (waitMs !== undefined) setTimeout(() => ask(exchange, round + 1), waitMs).unref();
}
