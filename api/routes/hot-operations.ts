// The hot paths as the OpenAPI document tells them. Their bodies are the providers' own formats, passed through untouched but for a
// closed list: what is described here is what we read, and where the rest is described.
import type { OpenAPIRegistry } from '@asteasolutions/zod-to-openapi';
import { z } from 'zod';

type Operation = Parameters<OpenAPIRegistry['registerPath']>[0];
type Family = 'openai' | 'anthropic';

interface HotOperation {
  readonly path: string;
  readonly summary: string;
  readonly family: Family;
  readonly streams: boolean;
  /** Where its format is described. */
  readonly format: string;
}

const OPENAI = 'https://platform.openai.com/docs/api-reference';
const ANTHROPIC = 'https://docs.anthropic.com/en/api';

const HOT_OPERATIONS: readonly HotOperation[] = [
  {
    path: '/v1/chat/completions',
    summary: 'A chat answer, streamed or whole',
    ...{ family: 'openai', streams: true, format: `${OPENAI}/chat/create` },
  },
  {
    path: '/v1/completions',
    summary: 'A completion of a text, streamed or whole',
    ...{ family: 'openai', streams: true, format: `${OPENAI}/completions/create` },
  },
  {
    path: '/v1/embeddings',
    summary: 'Embeddings of texts',
    ...{ family: 'openai', streams: false, format: `${OPENAI}/embeddings/create` },
  },
  {
    path: '/v1/responses',
    summary: 'A response, streamed or whole',
    ...{ family: 'openai', streams: true, format: `${OPENAI}/responses/create` },
  },
  {
    path: '/v1/messages',
    summary: 'A message, streamed or whole',
    ...{ family: 'anthropic', streams: true, format: `${ANTHROPIC}/messages` },
  },
  {
    path: '/v1/messages/count_tokens',
    summary: 'What a message would count as input tokens',
    ...{ family: 'anthropic', streams: false, format: `${ANTHROPIC}/messages-count-tokens` },
  },
];

const OpenAiError = z
  .object({
    error: z.object({
      message: z.string().meta({ description: 'What happened and what to do, with the request id' }),
      type: z.string(),
      param: z.string().nullable(),
      code: z.string(),
    }),
  })
  .meta({ id: 'OpenAiError' });

const AnthropicError = z
  .object({
    type: z.literal('error'),
    error: z.object({ type: z.string(), message: z.string() }),
    request_id: z.string(),
  })
  .meta({ id: 'AnthropicError' });

/** Clients configured for OpenAI and for Anthropic send the key in different headers: each is read everywhere. */
export const API_KEY_SCHEMES = {
  apiKey: { type: 'http', scheme: 'bearer', description: 'A customer’s API key, sk-tg-...' },
  xApiKey: { type: 'apiKey', in: 'header', name: 'x-api-key', description: 'The same, as Anthropic’s clients send it' },
  xGoogApiKey: { type: 'apiKey', in: 'header', name: 'x-goog-api-key', description: 'The same, as Google’s do' },
} as const;
export const API_KEY_SECURITY = Object.keys(API_KEY_SCHEMES).map((scheme) => ({ [scheme]: [] }));

/** Of what a customer reads: the error in the form of its client, which the path or `anthropic-version` tells. */
export const CustomerError = z.union([OpenAiError, AnthropicError]);

const requestHeaders = z.object({
  'Idempotency-Key': z.string().max(255).optional().meta({
    description: 'Within 24 h a repetition is not charged again: 409 names the first request; no answer is stored',
  }),
  'X-Client-Request-Id': z.string().max(512).optional().meta({ description: 'Comes back with the answer' }),
});

const answerHeaders = z.object({
  'x-request-id': z.uuid().meta({ description: 'GET /v1/requests/{id} is its receipt' }),
  'x-tollgate-channel-attempts': z.string().meta({ description: 'Upstreams that were asked' }),
  'x-tollgate-clamped-max-tokens': z
    .string()
    .optional()
    .meta({ description: 'The output cap that the upstream got because the balance pays for no more' }),
});

const refusalHeaders = z.object({
  'x-request-id': z.uuid(),
  'retry-after': z.string().optional().meta({ description: 'Seconds; only where the same request can succeed later' }),
  'x-should-retry': z.literal('false').optional().meta({ description: 'Only a changed request can succeed' }),
});

export function hotOperations(): Operation[] {
  return HOT_OPERATIONS.map(({ path, summary, family, streams, format }) => {
    const stream = streams ? { stream: z.boolean().optional() } : {};
    const body = z.looseObject({ model: z.string().meta({ description: 'An id of GET /v1/models' }), ...stream });
    const answers = {
      'application/json': { schema: z.looseObject({}) },
      ...(streams ? { 'text/event-stream': { schema: z.string() } } : {}),
    };
    const error = family === 'openai' ? OpenAiError : AnthropicError;
    return {
      method: 'post',
      path,
      summary,
      description: `Body and answer are those of ${format}, at most 32 MiB, passed on as they are.`,
      externalDocs: { url: format, description: 'The format' },
      security: API_KEY_SECURITY,
      request: { headers: requestHeaders, body: { required: true, content: { 'application/json': { schema: body } } } },
      responses: {
        200: { description: 'The upstream’s answer', headers: answerHeaders, content: answers },
        default: {
          description: 'Refused; docs/errors.md has every code',
          headers: refusalHeaders,
          content: { 'application/json': { schema: error } },
        },
      },
    };
  });
}
