// Which paths are the hot path: matched by exact string, before Express and before any middleware. Clients are configured with
// base URLs of many spellings (with and without /v1, doubled, under /api): all of them work (ecosystem.md 2.1).
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Dialect } from './dialect.ts';
import { anthropicCountTokens } from './dialects/anthropic-count-tokens.ts';
import { anthropicMessages } from './dialects/anthropic-messages.ts';
import { openaiChat } from './dialects/openai-chat.ts';
import { openaiCompletions } from './dialects/openai-completions.ts';
import { openaiEmbeddings } from './dialects/openai-embeddings.ts';
import { openaiResponses } from './dialects/openai-responses.ts';
import { handle } from './handle.ts';
import type { ProxyParts } from './proxy-parts.ts';

const DIALECT_OF_PATH: readonly (readonly [string, Dialect])[] = [
  ['/chat/completions', openaiChat],
  ['/completions', openaiCompletions],
  ['/embeddings', openaiEmbeddings],
  ['/responses', openaiResponses],
  ['/messages', anthropicMessages],
  ['/messages/count_tokens', anthropicCountTokens],
];
const PREFIXES = ['/v1', '', '/v1/v1', '/api/v1'];

const dialects = new Map<string, Dialect>(
  PREFIXES.flatMap((prefix) =>
    DIALECT_OF_PATH.flatMap(([path, dialect]): [string, Dialect][] => [
      [prefix + path, dialect],
      [`${prefix}${path}/`, dialect],
    ]),
  ),
);

/** The spelling that is documented, one for each surface. */
export const HOT_PATHS: readonly string[] = DIALECT_OF_PATH.map(([path]) => `/v1${path}`);
/** Every path that is answered before Express. */
export const HOT_SPELLINGS: readonly string[] = [...dialects.keys()];

/** Takes the request, or leaves it (false) to the rest of the API. */
export type HotEntry = (req: IncomingMessage, res: ServerResponse) => boolean;

export function hotEntry(parts: ProxyParts): HotEntry {
  return (req, res) => {
    if (req.method !== 'POST') return false;
    const dialect = dialectAt(req.url ?? '');
    if (dialect === undefined) return false;
    void handle(parts, dialect, req, res);
    return true;
  };
}

/** undefined: not the hot path. */
export function dialectAt(url: string): Dialect | undefined {
  return dialects.get(url) ?? dialects.get(withoutQuery(url));
}

/** Claude Code calls /v1/messages?beta=true. */
export function withoutQuery(url: string): string {
  const query = url.indexOf('?');
  return query < 0 ? url : url.slice(0, query);
}

/** The same entry as the first route of the Express app. */
export function asMiddleware(entry: HotEntry): (req: IncomingMessage, res: ServerResponse, next: () => void) => void {
  return (req, res, next) => {
    if (!entry(req, res)) next();
  };
}
