// A request as a careful client makes it, and everything that it heard: also how its answer ended.
import { Agent, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import type { Site } from './site.ts';

export interface Asked {
  readonly credential: string;
  readonly streamed?: boolean;
  /** What the demo provider is told to do: 'tokens=100,drip=5'. */
  readonly demo?: string;
  readonly maxTokens?: number;
  readonly idempotencyKey?: string;
  /** Instead of all that. */
  readonly body?: string | Buffer;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly agent?: Agent;
}

export interface Heard {
  /** 0: not even a head. */
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly requestId: string | null;
  readonly text: string;
  /** [DONE], or the whole body of a plain answer. */
  readonly ended: boolean;
  /** Of the error that it ended in. */
  readonly code: string | null;
}

export interface UnderWay {
  /** The first content, or the end of a request that had none. */
  readonly begun: Promise<void>;
  readonly heard: Promise<Heard>;
  hangUp(): void;
}

export function ask(site: Pick<Site, 'url'>, asked: Asked): Promise<Heard> {
  return send(site, asked).heard;
}

export function send(site: Pick<Site, 'url'>, asked: Asked): UnderWay {
  const body = asked.body ?? bodyOf(asked);
  const outgoing = request(`${site.url}${asked.path ?? '/v1/chat/completions'}`, {
    method: 'POST',
    agent: asked.agent ?? new Agent(),
    headers: {
      authorization: `Bearer ${asked.credential}`,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      ...(asked.idempotencyKey === undefined ? {} : { 'idempotency-key': asked.idempotencyKey }),
      ...asked.headers,
    },
  });
  const begun = Promise.withResolvers<void>();
  const heard = new Promise<Heard>((resolve) => {
    let text = '';
    const over = (response: IncomingMessage | null) => {
      begun.resolve();
      resolve(whatWasHeard(response, text));
    };
    outgoing.on('error', () => over(null));
    outgoing.on('response', (response) => {
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
        begun.resolve(); // a gateway begins no stream before its first content
      });
      response.on('error', () => {}); // 'close' follows and `complete` says it
      response.on('close', () => over(response));
    });
  });
  outgoing.end(body);
  return { begun: begun.promise, heard, hangUp: () => outgoing.destroy() };
}

function bodyOf({ streamed = false, demo = 'tokens=20', maxTokens }: Omit<Asked, 'credential'>): string {
  return JSON.stringify({
    model: 'std',
    messages: [{ role: 'user', content: `Say something. [[demo:${demo}]]` }],
    ...(maxTokens === undefined ? {} : { max_tokens: maxTokens }),
    ...(streamed ? { stream: true } : {}),
  });
}

function whatWasHeard(response: IncomingMessage | null, text: string): Heard {
  const id = response?.headers['x-request-id'];
  const status = response?.statusCode ?? 0;
  const isStream = response?.headers['content-type']?.startsWith('text/event-stream') === true;
  return {
    status,
    headers: response?.headers ?? {},
    requestId: typeof id === 'string' ? id : null,
    text,
    ended: response?.complete === true && (!isStream || text.includes('data: [DONE]')),
    code: /"code":\s*"([a-z_]+)"/.exec(text)?.[1] ?? null,
  };
}
