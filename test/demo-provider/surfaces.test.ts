// The official clients, unmodified, judge whether the demo provider speaks as the real ones do.
import Anthropic from '@anthropic-ai/sdk';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import OpenAI from 'openai';
import { DEMO_MODELS } from '../support/demo-provider/catalogue.ts';
import { endedAttempt, HELLO, meter, type RunningProvider, runProvider } from './demo-client.ts';

let provider: RunningProvider;
let openai: OpenAI;
let anthropic: Anthropic;
beforeAll(async () => {
  provider = await runProvider();
  openai = new OpenAI({ apiKey: 'demo-openai', baseURL: `${provider.url}/v1`, maxRetries: 0 });
  anthropic = new Anthropic({ apiKey: 'demo-anthropic', baseURL: provider.url, maxRetries: 0 });
});
afterAll(() => provider.close());

const messages = [...HELLO];
const WEATHER = {
  name: 'get_weather',
  description: 'The weather of a city',
  schema: {
    type: 'object' as const,
    properties: {
      city: { type: 'string' },
      unit: { type: 'string', enum: ['celsius', 'fahrenheit'] },
      days: { type: 'integer' },
      hourly: { type: 'boolean' },
    },
  },
};
const CHAT_TOOL = {
  type: 'function' as const,
  function: { name: WEATHER.name, description: WEATHER.description, parameters: WEATHER.schema },
};
const FITTING = { city: expect.any(String), unit: 'celsius', days: expect.any(Number), hourly: expect.any(Boolean) };

test('chat: what is streamed and what is whole are the same answer', async () => {
  const headers = { 'x-tollgate-attempt-id': 'same.1' };
  const whole = await openai.chat.completions.create({ model: 'demo-chat', messages }, { headers });
  const stream = await openai.chat.completions.create({ model: 'demo-chat', messages, stream: true }, { headers });
  let text = '';
  for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
  expect(text).toBe(whole.choices[0]?.message.content);
  expect(whole.choices[0]?.finish_reason).toBe('stop');
});

test('chat: a cap ends the answer with finish_reason length and exactly that many tokens', async () => {
  for (const cap of [{ max_tokens: 3 }, { max_completion_tokens: 3 }]) {
    const { choices, usage } = await openai.chat.completions.create({ model: 'demo-mini', messages, ...cap });
    expect(choices[0]?.finish_reason).toBe('length');
    expect(usage?.completion_tokens).toBe(3);
    expect(Buffer.byteLength(choices[0]?.message.content ?? '')).toBe(9);
  }
});

test('chat: streamed tool calls join to arguments that fit the schema', async () => {
  const order = { model: 'demo-chat', messages, tools: [CHAT_TOOL] };
  const whole = await openai.chat.completions.create(order);
  expect(whole.choices[0]?.finish_reason).toBe('tool_calls');
  expect(called(whole).map((call) => JSON.parse(call.arguments))).toEqual([FITTING]);

  const streamed = await openai.chat.completions.stream(order).finalChatCompletion();
  expect(called(streamed).map((call) => JSON.parse(call.arguments))).toEqual([FITTING]);
});

function called({ choices }: OpenAI.ChatCompletion): { name: string; arguments: string }[] {
  const calls = choices[0]?.message.tool_calls ?? [];
  return calls.flatMap((call) => (call.type === 'function' ? [call.function] : []));
}

test('chat: after a tool result the answer is text', async () => {
  const call = { id: 'call_1', type: 'function' as const, function: { name: WEATHER.name, arguments: '{}' } };
  const { choices } = await openai.chat.completions.create({
    model: 'demo-chat',
    tools: [CHAT_TOOL],
    messages: [
      ...messages,
      { role: 'assistant', tool_calls: [call] },
      { role: 'tool', tool_call_id: 'call_1', content: 'sunny' },
    ],
  });
  expect(choices[0]?.message.tool_calls).toBeUndefined();
  expect(choices[0]?.message.content).not.toBe('');
});

test('chat: two tools at once come in some streams, each under its own index', async () => {
  const tools = [CHAT_TOOL, { ...CHAT_TOOL, function: { ...CHAT_TOOL.function, name: 'get_time' } }];
  const counts = new Set<number>();
  for (let number = 0; counts.size < 2; number++) {
    const headers = { 'x-tollgate-attempt-id': `tools-${number}.1` };
    const stream = openai.chat.completions.stream({ model: 'demo-mini', messages, tools }, { headers });
    const calls = called(await stream.finalChatCompletion());
    counts.add(calls.length);
    expect(new Set(calls.map((call) => call.name)).size).toBe(calls.length);
    for (const call of calls) expect(JSON.parse(call.arguments)).toEqual(FITTING);
  }
  expect([...counts].sort()).toEqual([1, 2]);
});

test('chat: JSON mode answers with JSON, streamed or not', async () => {
  const format = { response_format: { type: 'json_object' as const } };
  for (let number = 0; number < 10; number++) {
    const headers = { 'x-tollgate-attempt-id': `json-${number}.1` };
    const modelId = number % 2 === 0 ? 'demo-chat' : 'demo-mini';
    const whole = await openai.chat.completions.create({ model: modelId, messages, ...format }, { headers });
    expect(JSON.parse(whole.choices[0]?.message.content ?? '')).toEqual({ answer: expect.any(String) });
    const stream = openai.chat.completions.stream({ model: modelId, messages, ...format }, { headers });
    expect((await stream.finalChatCompletion()).choices[0]?.message.content).toBe(whole.choices[0]?.message.content);
  }
});

test('chat: n answers differ, and are paid for together', async () => {
  const { choices, usage } = await openai.chat.completions.create({ model: 'demo-chat', messages, n: 3 });
  const texts = choices.map((choice) => choice.message.content ?? '');
  expect(new Set(texts).size).toBe(3);
  expect((usage?.completion_tokens ?? 0) * 4).toBe(Buffer.byteLength(texts.join('')));
});

test('chat: the reasoner shows reasoning_content and counts it inside completion_tokens', async () => {
  const { choices, usage } = await openai.chat.completions.create({ model: 'demo-reasoner', messages });
  const reasoning = JSON.stringify(choices[0]?.message).includes('reasoning_content');
  const reasoningTokens = usage?.completion_tokens_details?.reasoning_tokens ?? 0;
  expect(reasoning).toBe(true);
  expect(reasoningTokens).toBeGreaterThan(0);
  expect(usage?.completion_tokens).toBeGreaterThan(reasoningTokens);
});

test('legacy completions answer a prompt, streamed and not', async () => {
  const whole = await openai.completions.create({ model: 'demo-mini', prompt: 'hello world!', max_tokens: 4 });
  expect(whole.choices[0]?.finish_reason).toBe('length');
  expect(whole.usage).toMatchObject({ prompt_tokens: 4, completion_tokens: 4, total_tokens: 8 });
  const stream = await openai.completions.create({ model: 'demo-mini', prompt: 'hello world!', stream: true });
  let text = '';
  for await (const chunk of stream) text += chunk.choices[0]?.text ?? '';
  expect(Buffer.byteLength(text) % 3).toBe(0);
});

test('embeddings: numbers and base64 are the same unit vectors, as long as asked', async () => {
  const order = { model: 'demo-embed', input: ['hello world!', 'and another'], dimensions: 8 };
  const numbers = await openai.embeddings.create({ ...order, encoding_format: 'float' });
  const decoded = await openai.embeddings.create(order); // the client asks for base64 and decodes it
  expect(decoded.data.map((item) => item.embedding)).toEqual(numbers.data.map((item) => item.embedding));
  expect(numbers.data.map((item) => item.embedding.length)).toEqual([8, 8]);
  expect(Math.hypot(...(numbers.data[0]?.embedding ?? []))).toBeCloseTo(1, 5);
  expect(numbers.usage).toEqual({ prompt_tokens: 6, total_tokens: 6 });
});

test('models are listed for both families', async () => {
  const ids = DEMO_MODELS.map((offer) => offer.id);
  const listed = [];
  for await (const offer of openai.models.list()) listed.push(offer.id);
  expect(listed).toEqual(ids);
  const forAnthropic = [];
  for await (const offer of anthropic.models.list()) forAnthropic.push(offer.id);
  expect(forAnthropic).toEqual(ids);
  expect((await openai.models.retrieve('demo-chat')).id).toBe('demo-chat');
});

test('responses: the stream ends in the answer that the whole call gives, with its usage', async () => {
  const headers = { 'x-tollgate-attempt-id': 'responses.1' };
  const order = { model: 'demo-reasoner', input: 'hello world!', instructions: 'be brief' };
  const whole = await openai.responses.create(order, { headers });
  const types: string[] = [];
  const stream = openai.responses.stream(order, { headers });
  stream.on('event', (event) => types.push(event.type));
  const streamed = await stream.finalResponse();
  expect(streamed.output_text).toBe(whole.output_text);
  expect(streamed.usage).toEqual(whole.usage);
  expect(types.slice(0, 2)).toEqual(['response.created', 'response.in_progress']);
  expect(types).toContain('response.output_text.delta');
  expect(types.at(-1)).toBe('response.completed');
});

test('responses: tools are called with arguments that fit, and a cap leaves the answer incomplete', async () => {
  const tool = { type: 'function' as const, name: WEATHER.name, parameters: WEATHER.schema, strict: false };
  const order = { model: 'demo-chat', input: 'hello world!', tools: [tool] };
  const answer = await openai.responses.stream(order).finalResponse();
  const [call] = answer.output.filter((item) => item.type === 'function_call');
  expect(JSON.parse(call?.arguments ?? '')).toEqual(FITTING);
  const capped = await openai.responses.create({ model: 'demo-chat', input: 'hello world!', max_output_tokens: 4 });
  expect(capped.incomplete_details).toEqual({ reason: 'max_output_tokens' });
  expect(capped.usage?.output_tokens).toBe(4);
});

test('messages: the stream ends in the message that the whole call gives, with its usage', async () => {
  const headers = { 'x-tollgate-attempt-id': 'messages.1' };
  const order = { model: 'demo-claude', max_tokens: 400, system: 'be brief', messages };
  const whole = await anthropic.messages.create(order, { headers });
  const streamed = await anthropic.messages.stream(order, { headers }).finalMessage();
  expect(streamed.content).toEqual(whole.content);
  expect(streamed.stop_reason).toBe('end_turn');
  expect(streamed.usage).toEqual(whole.usage);
  expect(Buffer.byteLength(streamed.content[0]?.type === 'text' ? streamed.content[0].text : '')).toBe(
    whole.usage.output_tokens * 4,
  );
});

test('messages: tool_use, thinking and max_tokens', async () => {
  const tools = [{ name: WEATHER.name, description: WEATHER.description, input_schema: WEATHER.schema }];
  const order = { model: 'demo-claude', max_tokens: 400, messages };
  const acted = await anthropic.messages.stream({ ...order, tools }).finalMessage();
  expect(acted.stop_reason).toBe('tool_use');
  expect(acted.content.find((block) => block.type === 'tool_use')?.input).toEqual(FITTING);

  const thinking = { type: 'enabled' as const, budget_tokens: 1024 };
  const thought = await anthropic.messages.stream({ ...order, thinking }).finalMessage();
  expect(thought.content[0]).toMatchObject({
    type: 'thinking',
    thinking: expect.any(String),
    signature: expect.any(String),
  });

  const capped = await anthropic.messages.create({ ...order, max_tokens: 2 });
  expect(capped.stop_reason).toBe('max_tokens');
  expect(capped.usage.output_tokens).toBe(2);
});

test('messages: count_tokens counts like messages and is free', async () => {
  const order = { model: 'demo-claude', system: 'be brief', messages };
  const before = Object.keys(await meter(provider.url)).length;
  const { input_tokens } = await anthropic.messages.countTokens(order);
  expect(Object.keys(await meter(provider.url)).length).toBe(before);
  expect(input_tokens).toBe(5 + 3); // 'be brief' and 'hello world!' are 20 bytes
  await anthropic.messages.create({ ...order, max_tokens: 5 }, { headers: { 'x-tollgate-attempt-id': 'counted.1' } });
  const { usage } = await endedAttempt(provider.url, 'counted.1');
  expect(usage.input + usage.cachedInput + usage.cacheWrite5m + usage.cacheWrite1h).toBe(input_tokens);
});

test('input is never counted below its text: names, tool definitions as they were sent, and tool arguments included', async () => {
  const tools = [{ name: WEATHER.name, description: 'äöü'.repeat(50), input_schema: WEATHER.schema }];
  const use = { type: 'tool_use' as const, id: 'toolu_1', name: WEATHER.name, input: { city: 'Köln', days: 3 } };
  const result = { type: 'tool_result' as const, tool_use_id: 'toolu_1', content: 'sunny' };
  const counted = await anthropic.messages.countTokens({
    model: 'demo-claude',
    tools,
    messages: [...messages, { role: 'assistant', content: [use] }, { role: 'user', content: [result] }],
  });
  const texts = ['hello world!', WEATHER.name, JSON.stringify(use.input), 'sunny', JSON.stringify(tools)];
  expect(counted.input_tokens).toBeGreaterThanOrEqual(Math.floor(Buffer.byteLength(texts.join('')) / 4));
});
