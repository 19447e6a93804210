// Whether a part that was started can be used yet: null where it can, else why not, in words for people.
import { connect } from 'node:net';

const PROBE_MS = 2_000;

/** Whether somebody listens. */
export function whyClosed(port: number, host = '127.0.0.1'): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect({ port, host, timeout: PROBE_MS });
    socket.once('connect', () => resolve(null)).once('error', (error) => resolve(error.message));
    socket.once('timeout', () => resolve(`${host}:${port} does not answer`));
    for (const event of ['connect', 'timeout']) socket.once(event, () => socket.destroy());
  });
}

/** Whether it says 200 to a GET of its own health: '/readyz'. */
export async function whyUnhealthy(url: string, path: string): Promise<string | null> {
  try {
    const answer = await fetch(`${url}${path}`, { signal: AbortSignal.timeout(PROBE_MS) });
    const text = await answer.text();
    return answer.status === 200 ? null : `GET ${path} answers ${answer.status} ${text.slice(0, 300)}`;
  } catch (error) {
    return error instanceof Error ? String(error.cause ?? error.message) : String(error);
  }
}
