// What providers stream, byte for byte. Content comes in pieces whose length the test chooses: four bytes are a token here.
export interface Speech {
  /** Where the request goes. */
  readonly path: '/v1/chat/completions' | '/v1/messages';
  readonly family: 'openai' | 'anthropic';
  /** Comes before any content. */
  readonly opening: string;
  content(text: string): string;
  /** finish_reason or stop_reason, and the usage. */
  finish(inputTokens: number, outputTokens: number): string;
  readonly end: string;
  /** What a customer sends. */
  request(modelId: string, more?: object): object;
  /** Content of the whole stream, as a client reads it. */
  contentOf(stream: string): string;
  /** The stream's error event; null: there is none. */
  errorOf(stream: string): { readonly type: string; readonly code: string | null; readonly message: string } | null;
}

/** 40 bytes of text: 10 tokens by our estimate. */
export const PROMPT = 'Tell me all that is known of toll gates.';
export const PROMPT_TOKENS = 10;

interface Delta {
  readonly choices?: readonly { readonly delta: { readonly content?: string } }[];
  readonly delta?: { readonly text?: string };
  readonly error?: { readonly type: string; readonly code?: string; readonly message: string };
}

function parsed(stream: string): Delta[] {
  return [...stream.matchAll(/^data: (\{.*)$/gm)].map(([, data = '']) => JSON.parse(data) as Delta);
}

function errorOf(stream: string) {
  const error = parsed(stream).find((event) => event.error !== undefined)?.error;
  return error === undefined ? null : { type: error.type, code: error.code ?? null, message: error.message };
}

const chunk = (choice: object, usage: object | null = null) =>
  `data: ${JSON.stringify({ id: 'c1', object: 'chat.completion.chunk', choices: [{ index: 0, delta: {}, ...choice }], usage })}\n\n`;

export const chat: Speech = {
  path: '/v1/chat/completions',
  family: 'openai',
  opening: chunk({ delta: { role: 'assistant', content: '' }, finish_reason: null }),
  content: (text) => chunk({ delta: { content: text }, finish_reason: null }),
  finish: (inputTokens, outputTokens) => chunk({ finish_reason: 'stop' }) + usageChunk(inputTokens, outputTokens),
  end: 'data: [DONE]\n\n',
  request: (model, more = {}) => ({ model, stream: true, messages: [{ role: 'user', content: PROMPT }], ...more }),
  contentOf: (stream) =>
    parsed(stream)
      .map(({ choices }) => choices?.[0]?.delta.content ?? '')
      .join(''),
  errorOf,
};

export const finishReason = chunk({ finish_reason: 'stop' });

export function usageChunk(inputTokens: unknown, outputTokens: unknown): string {
  const usage = { prompt_tokens: inputTokens, completion_tokens: outputTokens, total_tokens: 0 };
  return `data: ${JSON.stringify({ id: 'c1', object: 'chat.completion.chunk', choices: [], usage })}\n\n`;
}

const event = (type: string, data: object) => `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`;

export const messages: Speech = {
  path: '/v1/messages',
  family: 'anthropic',
  opening:
    event('message_start', { message: { id: 'm1', content: [], usage: { input_tokens: 10, output_tokens: 1 } } }) +
    event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
  content: (text) => event('content_block_delta', { index: 0, delta: { type: 'text_delta', text } }),
  finish: (inputTokens, outputTokens) =>
    event('content_block_stop', { index: 0 }) +
    event('message_delta', {
      delta: { stop_reason: 'end_turn' },
      usage: { input_tokens: inputTokens, output_tokens: outputTokens },
    }),
  end: event('message_stop', {}),
  request: (model, more = {}) => ({
    ...{ model, stream: true, max_tokens: 16_000, messages: [{ role: 'user', content: PROMPT }] },
    ...more,
  }),
  contentOf: (stream) =>
    parsed(stream)
      .map(({ delta }) => delta?.text ?? '')
      .join(''),
  errorOf,
};
