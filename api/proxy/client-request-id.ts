// Clients such as Codex name their requests and look for the name in the answer (ecosystem.md 2.1). It is echoed and nothing else: what
// a client calls its request proves nothing, so it is not stored, and ours is the one in logs, receipts and messages (D25).
import type { IncomingHttpHeaders } from 'node:http';

export const CLIENT_REQUEST_ID = 'x-client-request-id';

/** Null: there is none, or it is none that OpenAI would take (ASCII, 512 characters). */
export function clientRequestIdIn(headers: IncomingHttpHeaders): string | null {
  const named = headers[CLIENT_REQUEST_ID];
  return typeof named === 'string' && /^[\x21-\x7e]{1,512}$/.test(named) ? named : null;
}
