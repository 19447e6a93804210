// Which chat answers count as empty: those fail over and cost nothing. A cap or a filter that left no word is an answer.
import { expect, test } from '@jest/globals';
import { openaiChat } from '../../../../api/proxy/dialects/openai-chat.ts';
import { relay } from './relay.ts';

const facts = openaiChat.readRequest(
  Buffer.from('{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}'),
);

function chunk(delta: object, finishReason: string | null = null): string {
  const choices = [{ index: 0, delta, logprobs: null, finish_reason: finishReason }];
  return `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', model: 'm', choices })}\n\n`;
}

const STOP = chunk({}, 'stop');

test.each([
  ['nothing but a stop', true, STOP],
  ['null and no call', true, chunk({ content: null, tool_calls: [] })],
  ['nothing, cut by its cap', false, chunk({}, 'length')],
  ['nothing, taken by a filter', false, chunk({}, 'content_filter')],
  ['a call without arguments', false, chunk({ tool_calls: [{ function: { name: 'f', arguments: '' } }] }) + STOP],
  ['one letter', false, chunk({ content: 'a' }) + STOP],
])('an answer of %s is empty: %s', (_name, isEmpty, stream) => {
  expect(relay(openaiChat, facts, [Buffer.from(stream)]).sawContent).toBe(!isEmpty);
});
