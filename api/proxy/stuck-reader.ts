// A client that takes not one byte for half a minute is gone, or means to hold our memory. Node's socket clock looks at its end
// whether anything was taken meanwhile, so a reader that is merely slow is never cut.
import type { ServerResponse } from 'node:http';

const STUCK_READER_MS = 30_000;

/** The clock's end destroys the socket, and its 'close' is the client hanging up. */
export function cutIfStuck(res: ServerResponse): void {
  if (res.writableLength > 0) res.setTimeout(STUCK_READER_MS);
}

export function readsAgain(res: ServerResponse): void {
  res.setTimeout(0);
}
