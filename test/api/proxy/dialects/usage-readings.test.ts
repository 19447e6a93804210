// What a provider says it used, in a plain answer or at the end of a stream, of every format: read to the token, and believed only
// when it can be true (gateways.md T7, T24, T27).
import { describe, expect, test } from '@jest/globals';
import type { Dialect } from '../../../../api/proxy/dialect.ts';
import { anthropicMessages } from '../../../../api/proxy/dialects/anthropic-messages.ts';
import { openaiChat } from '../../../../api/proxy/dialects/openai-chat.ts';
import { openaiCompletions } from '../../../../api/proxy/dialects/openai-completions.ts';
import { openaiEmbeddings } from '../../../../api/proxy/dialects/openai-embeddings.ts';
import { openaiResponses } from '../../../../api/proxy/dialects/openai-responses.ts';
import type { Usage } from '../../../../domain/meters.ts';
import { relay } from './relay.ts';

interface Format {
  readonly dialect: Dialect;
  readonly request: string;
  readonly plain: (usage: unknown) => object;
  /** null: it is never streamed. */
  readonly stream: ((usage: unknown) => string) | null;
  readonly counts: readonly [input: string, output: string | null];
}

const data = (value: object, event = '') => `${event}data: ${JSON.stringify(value)}\n\n`;

const FORMATS: readonly (readonly [string, Format])[] = [
  [
    'chat',
    {
      dialect: openaiChat,
      request: '{"model":"m","messages":[{"role":"user","content":"hi"}]}',
      plain: (usage) => ({ choices: [{ index: 0, message: { content: 'Toll' }, finish_reason: 'stop' }], usage }),
      stream: (usage) => data({ choices: [{ index: 0, delta: { content: 'Toll' }, finish_reason: 'stop' }], usage }),
      counts: ['prompt_tokens', 'completion_tokens'],
    },
  ],
  [
    'completions',
    {
      dialect: openaiCompletions,
      request: '{"model":"m","prompt":"hi"}',
      plain: (usage) => ({ choices: [{ index: 0, text: 'Toll', finish_reason: 'stop' }], usage }),
      stream: (usage) => data({ choices: [{ index: 0, text: 'Toll', finish_reason: 'stop' }], usage }),
      counts: ['prompt_tokens', 'completion_tokens'],
    },
  ],
  [
    'embeddings',
    {
      dialect: openaiEmbeddings,
      request: '{"model":"m","input":"hi"}',
      plain: (usage) => ({ object: 'list', data: [{ index: 0, embedding: [0.5, -1e-7] }], usage }),
      stream: null,
      counts: ['prompt_tokens', null],
    },
  ],
  [
    'responses',
    {
      dialect: openaiResponses,
      request: '{"model":"m","input":"hi"}',
      plain: (usage) => ({ status: 'completed', output: [{ type: 'message', content: [{ text: 'Toll' }] }], usage }),
      stream: (usage) => data({ type: 'response.completed', response: { status: 'completed', output: [], usage } }),
      counts: ['input_tokens', 'output_tokens'],
    },
  ],
  [
    'messages',
    {
      dialect: anthropicMessages,
      request: '{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}',
      plain: (usage) => ({
        type: 'message',
        content: [{ type: 'text', text: 'Toll' }],
        stop_reason: 'end_turn',
        usage,
      }),
      stream: (usage) => data({ type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage }),
      counts: ['input_tokens', 'output_tokens'],
    },
  ],
];

interface Reading {
  readonly usage: Usage | null;
  readonly usageImplausible: boolean;
}

/** What is read from the plain answer and, where there is one, from the stream. */
function readings({ dialect, request, plain, stream }: Format, usage: unknown): Reading[] {
  const { usage: read, usageImplausible } = dialect.readAnswer(Buffer.from(JSON.stringify(plain(usage))));
  const fromPlain = { usage: read, usageImplausible };
  if (stream === null) return [fromPlain];
  const relayed = relay(dialect, dialect.readRequest(Buffer.from(request)), [Buffer.from(stream(usage))]);
  return [fromPlain, { usage: relayed.usage, usageImplausible: relayed.usageImplausible }];
}

function expectReadings(format: Format, usage: unknown, expected: Reading): void {
  for (const reading of readings(format, usage)) expect(reading).toEqual(expected);
}

describe.each(FORMATS)('of %s', (_name, format) => {
  const [input, output] = format.counts;
  const usageOf = (inputTokens: unknown, outputTokens: unknown) => ({
    [input]: inputTokens,
    ...(output === null ? {} : { [output]: outputTokens }),
  });
  const metersOf = (inputTokens: number, outputTokens: number) =>
    output === null ? { input: inputTokens } : { input: inputTokens, output: outputTokens };

  test('it is read to the token, and an explicit zero is a value', () => {
    expectReadings(format, usageOf(123, 45), { usage: metersOf(123, 45), usageImplausible: false });
    expectReadings(format, usageOf(0, 0), { usage: metersOf(0, 0), usageImplausible: false });
  });

  test.each([1e15, -1, 1.5, '100', true, [1], { tokens: 1 }])(
    'a count of %j is believed in no answer (T7)',
    (absurd) => {
      const expected = { usage: null, usageImplausible: true };
      expectReadings(format, usageOf(absurd, 45), expected);
      if (output !== null) expectReadings(format, usageOf(123, absurd), expected);
    },
  );

  test.each([['a word'], [7], [[1, 2]]])(
    '%j in the place of it is implausible, null and nothing are none',
    (absurd) => {
      expectReadings(format, absurd, { usage: null, usageImplausible: true });
      expectReadings(format, null, { usage: null, usageImplausible: false });
      expectReadings(format, undefined, { usage: null, usageImplausible: false });
    },
  );
});

const messages = FORMATS.find(([name]) => name === 'messages')?.[1];

test.each([
  ['a total only', { cache_creation_input_tokens: 90 }, { cacheWrite5m: 90 }],
  [
    'a split',
    { cache_creation_input_tokens: 90, cache_creation: split(30, 60) },
    { cacheWrite5m: 30, cacheWrite1h: 60 },
  ],
  ['a split without a total', { cache_creation: split(30, 60) }, { cacheWrite5m: 30, cacheWrite1h: 60 }],
  [
    'a split that leaves some of the total',
    { cache_creation_input_tokens: 100, cache_creation: split(30, 60) },
    { cacheWrite5m: 40, cacheWrite1h: 60 },
  ],
  [
    'a split beyond the total',
    { cache_creation_input_tokens: 50, cache_creation: split(30, 60) },
    { cacheWrite5m: 30, cacheWrite1h: 60 },
  ],
])('cache writes told as %s are billed by the split, and the remainder as 5 minutes (T27)', (_how, told, expected) => {
  if (messages === undefined) throw new Error('there is no such format');
  expectReadings(
    messages,
    { input_tokens: 10, output_tokens: 5, ...told },
    {
      usage: { input: 10, output: 5, ...expected },
      usageImplausible: false,
    },
  );
});

function split(fiveMinutes: number, oneHour: number): object {
  return { ephemeral_5m_input_tokens: fiveMinutes, ephemeral_1h_input_tokens: oneHour };
}
