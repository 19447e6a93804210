// How a provider is asked: by our one way out, which judges every address that it leads to (R-NET-1), without redirects, for some seconds and some
// kilobytes. Its addresses come from whoever named it, and from what that answers.
import type { Egress } from '../egress/egress.ts';

const PATIENCE_MS = 5_000;
const MOST_BYTES = 512 * 1024;

export interface Asked {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body?: unknown;
}

export function fetchThrough(egress: Egress, allowLocal: boolean) {
  return async (address: string, { method, headers, body }: Asked): Promise<Response> => {
    const { origin, pathname, search } = new URL(address);
    const answer = await egress.pool(origin, allowLocal).request({
      path: pathname + search,
      method: method === 'POST' ? 'POST' : 'GET',
      headers,
      ...(body === undefined || body === null ? {} : { body: String(body) }),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    const bytes = await bounded(answer.body);
    const told = Object.entries(answer.headers).map(([name, value]) => [name, String(value)] as [string, string]);
    // Of these a Response takes no body, not even an empty one.
    const hasBody = ![204, 205, 304].includes(answer.statusCode);
    return new Response(hasBody ? bytes : null, { status: answer.statusCode, headers: told });
  };
}

async function bounded(body: AsyncIterable<Buffer>): Promise<Buffer<ArrayBuffer>> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of body) {
    length += part.length;
    if (length > MOST_BYTES) throw new Error(`the provider answered with more than ${MOST_BYTES} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}
