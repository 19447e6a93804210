// What is asked with the new key itself: a model for the first request, the first that this key may use, and that request.
import { queryOptions } from '@tanstack/react-query';
import { firstChatModel, type ListedModel } from '../first-chat-model.ts';
import { Problem } from './problem.ts';

interface Listed {
  readonly data: readonly ListedModel[];
}

export const firstModelQuery = (secret: string) =>
  queryOptions({
    // Not the secret: names of questions are kept.
    queryKey: ['first model', secret.slice(-4)],
    queryFn: async () => {
      const { data } = await toldByGateway<Listed>('/v1/models', { headers: bearing(secret) });
      const modelId = firstChatModel(data);
      if (modelId === null) throw Problem.ofPage('no_chat_model');
      return modelId;
    },
    staleTime: Number.POSITIVE_INFINITY,
  });

/** In the words of OpenAI's API. */
export function bodyOfFirstRequest(modelId: string): string {
  return JSON.stringify({ model: modelId, messages: [{ role: 'user', content: 'Say hello' }] });
}

export function sendFirstRequest(secret: string, modelId: string): Promise<unknown> {
  const headers = { ...bearing(secret), 'content-type': 'application/json' };
  return toldByGateway('/v1/chat/completions', { method: 'POST', headers, body: bodyOfFirstRequest(modelId) });
}

function bearing(secret: string): { readonly authorization: string } {
  return { authorization: `Bearer ${secret}` };
}

/** @throws Problem */
async function toldByGateway<A>(path: string, asked: RequestInit): Promise<A> {
  const answer = await fetch(path, asked).catch(() => {
    throw Problem.unreachable();
  });
  const body: unknown = await answer.json().catch(() => null);
  if (!answer.ok) throw Problem.ofGateway(answer, body);
  return body as A;
}
