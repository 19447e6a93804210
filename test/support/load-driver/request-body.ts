// A planned request as the wire of its surface wants it.
import type { PlannedRequest, Surface } from './plan.ts';

const PATHS: Readonly<Record<Surface, string>> = {
  chat: '/chat/completions',
  completions: '/completions',
  embeddings: '/embeddings',
  messages: '/messages',
  responses: '/responses',
};

// Anthropic's messages demand a cap.
const MESSAGES_CAP = 400;

export function urlOf({ surface }: PlannedRequest, baseUrl: string): URL {
  return new URL(`${baseUrl}${PATHS[surface]}`);
}

/** Every fourth connection is not kept: a gateway that has just started gets its share within a few answers. */
export function headersOf({ surface, credential, index }: PlannedRequest): Record<string, string> {
  const connection: Record<string, string> = index % 4 === 0 ? { connection: 'close' } : {};
  const json = { ...connection, 'content-type': 'application/json' };
  if (surface === 'messages') return { ...json, 'x-api-key': credential, 'anthropic-version': '2023-06-01' };
  return { ...json, authorization: `Bearer ${credential}` };
}

/** Odd requests ask for the usage chunk of a chat stream, as some clients do. */
export function bodyOf({ surface, modelId, streamed, prompt, maxOutputTokens, index }: PlannedRequest): string {
  const turn = { role: 'user', content: prompt };
  const capped = (name: string) => (maxOutputTokens === null ? {} : { [name]: maxOutputTokens });
  const usage = streamed && index % 2 === 1 ? { stream_options: { include_usage: true } } : {};
  switch (surface) {
    case 'chat':
      return JSON.stringify({ model: modelId, messages: [turn], stream: streamed, ...usage, ...capped('max_tokens') });
    case 'completions':
      return JSON.stringify({ model: modelId, prompt, stream: streamed, ...usage, ...capped('max_tokens') });
    case 'embeddings':
      return JSON.stringify({ model: modelId, input: prompt });
    case 'messages':
      return JSON.stringify({
        model: modelId,
        messages: [turn],
        stream: streamed,
        max_tokens: maxOutputTokens ?? MESSAGES_CAP,
      });
    case 'responses':
      return JSON.stringify({ model: modelId, input: prompt, stream: streamed, ...capped('max_output_tokens') });
  }
}
