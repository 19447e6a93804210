// What each dialect reads from a request, and what it refuses before anything is spent.
import { describe, expect, test } from '@jest/globals';
import type { Dialect } from '../../../../api/proxy/dialect.ts';
import { anthropicCountTokens } from '../../../../api/proxy/dialects/anthropic-count-tokens.ts';
import { anthropicMessages } from '../../../../api/proxy/dialects/anthropic-messages.ts';
import { openaiChat } from '../../../../api/proxy/dialects/openai-chat.ts';
import { openaiCompletions } from '../../../../api/proxy/dialects/openai-completions.ts';
import { openaiEmbeddings } from '../../../../api/proxy/dialects/openai-embeddings.ts';
import { openaiResponses } from '../../../../api/proxy/dialects/openai-responses.ts';
import { TollgateError } from '../../../../domain/errors.ts';

const USER = '{"role":"user","content":"hi"}';
const MINIMAL: readonly (readonly [string, Dialect, string])[] = [
  ['chat', openaiChat, `"model":"m","messages":[${USER}]`],
  ['completions', openaiCompletions, '"model":"m","prompt":"hi"'],
  ['embeddings', openaiEmbeddings, '"model":"m","input":"hi"'],
  ['responses', openaiResponses, '"model":"m","input":"hi"'],
  ['messages', anthropicMessages, `"model":"m","max_tokens":9,"messages":[${USER}]`],
  ['count_tokens', anthropicCountTokens, `"model":"m","messages":[${USER}]`],
];

function refusal(
  dialect: Dialect,
  body: string | Buffer,
): { code: string; param: string | undefined; message: string } {
  try {
    dialect.readRequest(Buffer.from(body));
  } catch (error) {
    if (!(error instanceof TollgateError)) throw error;
    return { code: error.code, param: error.details.param, message: error.details.message };
  }
  throw new Error(`was accepted: ${body}`);
}

describe.each(MINIMAL)('%s', (_name, dialect, members) => {
  test('the smallest request is two bytes of text to a model, unstreamed', () => {
    expect(dialect.readRequest(Buffer.from(`{${members}}`))).toMatchObject({
      modelId: 'm',
      streamed: false,
      contentBytes: 2,
      answers: 1,
      wantsUsageChunk: false,
    });
  });

  test.each([
    ['nothing', '', 'body_empty'],
    ['white space', ' \r\n\t', 'body_empty'],
    ['a text that breaks off', `{${members}`, 'invalid_json'],
    ['text behind the object', `{${members}} {}`, 'invalid_json'],
    ['a number that is none', `{${members},"n":NaN}`, 'invalid_json'],
    ['an array', '[]', 'invalid_json'],
    ['a byte order mark', `\ufeff{${members}}`, 'invalid_json'],
    ['65 levels', `{${members},"x":${'['.repeat(64)}${']'.repeat(64)}}`, 'body_too_deep'],
    ['brackets without end', `{${members},"x":${'[{"a":'.repeat(100_000)}`, 'body_too_deep'],
  ])('a body of %s is refused for what it is', (_what, body, code) => {
    expect(refusal(dialect, body).code).toBe(code);
  });

  test('64 levels are accepted', () => {
    const body = `{${members},"x":${'['.repeat(63)}${']'.repeat(63)}}`;
    expect(dialect.readRequest(Buffer.from(body)).modelId).toBe('m');
  });

  test('a body that is not UTF-8 is refused', () => {
    const body = Buffer.from(`{${members},"x":"é"}`, 'latin1');
    expect(refusal(dialect, body).code).toBe('body_not_utf8');
  });

  test('a broken body is not quoted in the refusal', () => {
    const { message } = refusal(dialect, `{${members},"prompt":"my secret",}`);
    expect(message).not.toContain('secret');
    expect(message).toMatch(/breaks at position \d+/);
  });

  test.each(['"model":"other"', '"MODEL":"other"', '"Model":"other"', '"mod\\u0065l":"other"', '"m\\u006fdel":"m"'])(
    'a second model smuggled in as %s is refused, before or after the first',
    (second) => {
      for (const body of [`{${members},${second}}`, `{${second},${members}}`]) {
        expect(refusal(dialect, body)).toMatchObject({ code: 'invalid_value', param: 'model' });
      }
    },
  );

  test.each(['""', 'null', '5', '["m"]', `"${'m'.repeat(257)}"`])('a model of %s is refused', (model) => {
    expect(refusal(dialect, `{${members.replace('"m"', model)}}`)).toMatchObject({
      code: 'invalid_value',
      param: 'model',
    });
  });
});

const CAPS: readonly (readonly [string, Dialect, string])[] = [
  ['max_tokens', openaiChat, `"model":"m","messages":[${USER}]`],
  ['max_completion_tokens', openaiChat, `"model":"m","messages":[${USER}]`],
  ['max_tokens', openaiCompletions, '"model":"m","prompt":"hi"'],
  ['max_output_tokens', openaiResponses, '"model":"m","input":"hi"'],
  ['max_tokens', anthropicMessages, `"model":"m","messages":[${USER}]`],
];

describe.each(CAPS)('the cap %s', (name, dialect, members) => {
  test.each(['0', '-1', '1.5', '"100"', '1e18', '2147483648', '10000001', 'true', '[5]', '1e999'])(
    'of %s is refused with its name and what it may be',
    (value) => {
      const { code, param, message } = refusal(dialect, `{${members},"${name}":${value}}`);
      expect({ code, param }).toEqual({ code: 'invalid_value', param: name });
      expect(message).toContain('a whole number from 1 to 10000000');
    },
  );

  test('may be as large as anything sold, and may be written as 1e2', () => {
    expect(dialect.readRequest(Buffer.from(`{${members},"${name}":10000000}`)).askedOutputTokens).toBe(10_000_000);
    expect(dialect.readRequest(Buffer.from(`{${members},"${name}":1e2}`)).askedOutputTokens).toBe(100);
  });

  test.each([[name], [name.toUpperCase()], [name.replace('k', '\u212a').replace('s', '\u017f')]])(
    'given again as %s is refused',
    (second) => {
      const body = `{${members},"${name}":5,"${second}":500000}`;
      expect(refusal(dialect, body)).toMatchObject({ code: 'invalid_value', param: name });
    },
  );
});

test('either name of the chat cap may be sent, not both', () => {
  const members = `"model":"m","messages":[${USER}]`;
  const both = `{${members},"max_tokens":5,"max_completion_tokens":6}`;
  expect(refusal(openaiChat, both)).toMatchObject({ code: 'invalid_value', param: 'max_completion_tokens' });
  const one = `{${members},"max_tokens":null,"max_completion_tokens":6}`;
  expect(openaiChat.readRequest(Buffer.from(one)).askedOutputTokens).toBe(6);
});

test('messages need a cap, as at Anthropic', () => {
  expect(refusal(anthropicMessages, `{"model":"m","messages":[${USER}]}`)).toMatchObject({
    code: 'invalid_value',
    param: 'max_tokens',
  });
});

test.each([
  ['"n":0', 'n', openaiChat],
  ['"n":129', 'n', openaiChat],
  ['"n":1.5', 'n', openaiChat],
  ['"n":2,"n":1', 'n', openaiChat],
  ['"stream":"true"', 'stream', openaiChat],
  ['"stream":false,"stream":true', 'stream', openaiChat],
  ['"stream":true,"stream_options":[]', 'stream_options', openaiChat],
  ['"stream":true,"stream_options":{},"stream_options":{}', 'stream_options', openaiChat],
  ['"stream":true,"stream_options":{"include_usage":1}', 'stream_options.include_usage', openaiChat],
  [
    '"stream":true,"stream_options":{"include_usage":true,"include_usage":false}',
    'stream_options.include_usage',
    openaiChat,
  ],
  ['"service_tier":"priority"', 'service_tier', openaiChat],
  ['"thinking":{"budget_tokens":-5}', 'thinking.budget_tokens', openaiChat],
  ['"stream":true,"best_of":5', 'best_of', openaiCompletions],
  ['"best_of":500', 'best_of', openaiCompletions],
  ['"stream":true', 'stream', openaiEmbeddings],
  ['"background":true', 'background', openaiResponses],
  ['"previous_response_id":"resp_1"', 'previous_response_id', openaiResponses],
  ['"conversation":{"id":"conv_1"}', 'conversation', openaiResponses],
  ['"speed":"fast"', 'speed', anthropicMessages],
  ['"service_tier":{}', 'service_tier', anthropicMessages],
])('a body with %s is refused and says that %s is wrong', (extra, param, dialect) => {
  const members = MINIMAL.find(([, candidate]) => candidate === dialect)?.[2];
  expect(refusal(dialect, `{${members},${extra}}`)).toMatchObject({ code: 'invalid_value', param });
});

test.each([
  [openaiChat, '{"model":"m","input":"hi"}', 'messages', '/v1/responses'],
  [openaiResponses, `{"model":"m","messages":[${USER}]}`, 'input', '/v1/chat/completions'],
  [openaiCompletions, `{"model":"m","messages":[${USER}]}`, 'prompt', '/v1/chat/completions'],
  [anthropicMessages, '{"model":"m","input":"hi"}', 'messages', '/v1/responses'],
  [
    anthropicMessages,
    `{"model":"m","max_completion_tokens":5,"messages":[${USER}]}`,
    'max_completion_tokens',
    '/v1/chat/completions',
  ],
  [
    anthropicMessages,
    '{"model":"m","max_tokens":5,"messages":[{"role":"tool","content":"x"}]}',
    'messages',
    '/v1/chat/completions',
  ],
  [
    anthropicMessages,
    `{"model":"m","max_tokens":5,"messages":[${USER}],"tools":[{"type":"function","function":{}}]}`,
    'tools',
    '/v1/chat/completions',
  ],
])('a body of another surface is sent there by name', (dialect, body, param, path) => {
  const { code, message, ...rest } = refusal(dialect, body);
  expect({ code, param: rest.param }).toEqual({ code: 'invalid_value', param });
  expect(message).toContain(path);
});

test.each([
  [openaiChat, '{"model":"m","messages":{}}', 'messages'],
  [openaiChat, '{"model":"m","messages":[]}', 'messages'],
  [openaiCompletions, '{"model":"m","prompt":[]}', 'prompt'],
  [openaiCompletions, '{"model":"m","prompt":["a",{}]}', 'prompt'],
  [openaiEmbeddings, '{"model":"m","input":[1.5]}', 'input'],
  [openaiEmbeddings, '{"model":"m"}', 'input'],
  [openaiEmbeddings, `{"model":"m","input":${JSON.stringify(Array(2_049).fill('a'))}}`, 'input'],
  [openaiResponses, '{"model":"m","input":[]}', 'input'],
  [anthropicMessages, '{"model":"m","max_tokens":5,"messages":"hi"}', 'messages'],
])('a prompt of the wrong shape is refused', (dialect, body, param) => {
  expect(refusal(dialect, body)).toMatchObject({ code: 'invalid_value', param });
});

test('all text that a model reads is counted, and no media, id or signature', () => {
  const tools = '[ {"type":"function","function":{"name":"f","parameters":{}}} ]';
  const chat = `{"model":"m","tools":${tools},"messages":[{"role":"system","content":"süß"},{"role":"user","content":[{"type":"text","text":"船"},
    {"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]},{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{}"}}]}]}`;
  expect(openaiChat.readRequest(Buffer.from(chat)).contentBytes).toBe(tools.length + 5 + 3 + 1 + 2);

  const messages = `{"model":"m","max_tokens":5,"system":[{"type":"text","text":"be","cache_control":{"type":"ephemeral"}}],"messages":[{"role":"user","content":[
    {"type":"document","source":{"type":"text","media_type":"text/plain","data":"doc"}},{"type":"image","source":{"type":"base64","data":"AAAA"}},
    {"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":"42"}]}]},{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"AAAA"}]}]}`;
  expect(anthropicMessages.readRequest(Buffer.from(messages)).contentBytes).toBe(2 + 3 + 2 + 2);

  const responses =
    '{"model":"m","instructions":"be","input":[{"role":"user","content":[{"type":"input_text","text":"hi"}]},{"type":"function_call_output","call_id":"c","output":"42"}]}';
  expect(openaiResponses.readRequest(Buffer.from(responses)).contentBytes).toBe(6);

  expect(openaiEmbeddings.readRequest(Buffer.from('{"model":"m","input":[[1,2],[3]]}')).contentBytes).toBe(12);
});

test('a cap is not lowered under a thinking budget, nor under what the provider takes', () => {
  const thinking = (cap: number, budget: number) =>
    anthropicMessages.readRequest(
      Buffer.from(
        `{"model":"m","max_tokens":${cap},"thinking":{"type":"enabled","budget_tokens":${budget}},"messages":[${USER}]}`,
      ),
    ).minimumOutputTokens;
  expect(thinking(4_000, 2_000)).toBe(2_001);
  expect(thinking(4_000, 9_000)).toBe(4_000);
  expect(openaiResponses.readRequest(Buffer.from('{"model":"m","input":"hi"}')).minimumOutputTokens).toBe(16);
  expect(openaiEmbeddings.readRequest(Buffer.from('{"model":"m","input":"hi"}')).minimumOutputTokens).toBe(0);
});

test('every answer that a provider generates is counted, returned or not', () => {
  const answers = (extra: string) => openaiCompletions.readRequest(Buffer.from(`{"model":"m",${extra}}`)).answers;
  expect(answers('"prompt":["a","b"],"n":2')).toBe(4);
  expect(answers('"prompt":"a","n":2,"best_of":5')).toBe(5);
  expect(answers('"prompt":[1,2,3]')).toBe(1);
});

test('upstream sees our credential and, of the caller, only what changes the meaning of the bytes', () => {
  const caller = {
    authorization: 'Bearer sk-tg-1',
    'openai-organization': 'org-1',
    'anthropic-beta': 'a-1,b-2',
    cookie: 'x',
  };
  const openai = openaiChat.upstreamHeaders('sk-up', caller).join('\n');
  expect(openai).toContain('Bearer sk-up');
  expect(openai).not.toMatch(/sk-tg-1|org-1|cookie/);
  const anthropic = anthropicMessages.upstreamHeaders('sk-up', caller);
  expect(anthropic).toEqual(
    expect.arrayContaining(['x-api-key', 'sk-up', 'anthropic-version', '2023-06-01', 'anthropic-beta', 'a-1,b-2']),
  );
  expect(anthropicMessages.upstreamHeaders('sk-up', { 'anthropic-version': '2026-10-21' })).toContain('2026-10-21');
});
