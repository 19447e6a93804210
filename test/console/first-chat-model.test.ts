// The first request is sent to a model that can answer it, whatever the model is called.
import { expect, test } from '@jest/globals';
import { firstChatModel } from '../../console/src/first-chat-model.ts';

const listed = (id: string, ...endpoints: string[]) => ({ id, supported_endpoint_types: endpoints });

test('the first model that is asked as OpenAI asks is the one of the first request, and there may be none', () => {
  const others = [listed('acme/claude', 'anthropic'), listed('acme/vectors', 'embeddings')];

  expect(firstChatModel([...others, listed('embedded-chat', 'openai'), listed('chat', 'openai')])).toBe(
    'embedded-chat',
  );
  expect(firstChatModel(others)).toBeNull();
});
