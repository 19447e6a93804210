// A model for the first request: the first that the new key itself may use, asked with that key.
import { queryOptions } from '@tanstack/react-query';
import { Problem } from './problem.ts';

interface Listed {
  readonly data: readonly { readonly id: string }[];
}

export const firstModelQuery = (secret: string) =>
  queryOptions({
    // Not the secret: names of questions are kept.
    queryKey: ['first model', secret.slice(-4)],
    queryFn: async () => {
      const answer = await fetch('/v1/models', { headers: { authorization: `Bearer ${secret}` } });
      if (!answer.ok) throw Problem.of(answer, null);
      const { data } = (await answer.json()) as Listed;
      const chat = data.find(({ id }) => !id.includes('embed'));
      if (chat === undefined) throw new Error('this key may use no model that chats');
      return chat.id;
    },
    staleTime: Number.POSITIVE_INFINITY,
  });
