// A chat stream cut at every offset: the client gets the same bytes, and we read the same usage, in every variant providers send.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { openaiChat } from '../../../../api/proxy/dialects/openai-chat.ts';
import { FRAMINGS, latin1, relay, relayAtEveryOffset } from './relay.ts';

const facts = openaiChat.readRequest(
  Buffer.from('{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}'),
);
const asking = { ...facts, wantsUsageChunk: true };

const USAGE = {
  prompt_tokens: 100,
  completion_tokens: 40,
  total_tokens: 140,
  prompt_tokens_details: { cached_tokens: 30, audio_tokens: 5 },
  completion_tokens_details: { reasoning_tokens: 25, audio_tokens: 1 },
};
const METERS = { input: 65, cachedInput: 30, inputAudio: 5, output: 14, reasoning: 25, outputAudio: 1 };

function chunk(delta: object, finishReason: string | null = null, more: object = {}): string {
  const choices = [{ index: 0, delta, logprobs: null, finish_reason: finishReason }];
  return event({ id: 'chatcmpl-1', object: 'chat.completion.chunk', model: 'm', choices, ...more });
}

function event(data: object): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}

const DONE = 'data: [DONE]\n\n';
const TEXT = [chunk({ role: 'assistant', content: '' }), chunk({ content: 'Grüße ' }), chunk({ content: '船🚢' })].join(
  '',
);
const TEXT_BYTES = Buffer.byteLength('Grüße 船🚢');
const STOP = chunk({}, 'stop');
const usageChunk = (usage: unknown) => event({ id: 'chatcmpl-1', object: 'chat.completion.chunk', choices: [], usage });

const USAGE_VARIANTS: readonly (readonly [string, string])[] = [
  ['after the finish, in a chunk of its own', TEXT + STOP + usageChunk(USAGE) + DONE],
  ['in the chunk that finishes', TEXT + chunk({}, 'stop', { usage: USAGE }) + DONE],
  ['behind [DONE]', TEXT + STOP + DONE + usageChunk(USAGE)],
  [
    'null in every chunk, then the figure',
    chunk({ content: 'a' }, null, { usage: null }) + chunk({}, 'stop', { usage: null }) + usageChunk(USAGE) + DONE,
  ],
  [
    'running in every chunk',
    chunk({ content: 'a' }, null, { usage: { ...USAGE, completion_tokens: 1, total_tokens: 101 } }) +
      chunk({}, 'stop', { usage: { ...USAGE, completion_tokens: 30 } }) +
      usageChunk(USAGE) +
      DONE,
  ],
  [
    'in two halves',
    chunk({ content: 'a' }, null, { usage: halfOf('prompt') }) + STOP + usageChunk(halfOf('completion')),
  ],
  ['inside the choice, as Moonshot does', TEXT + chunkWithUsageInChoice() + DONE],
  ['in x_groq, as Groq does', TEXT + chunk({}, 'stop', { x_groq: { id: 'req_1', usage: USAGE } }) + DONE],
  [
    'spread over white space',
    TEXT +
      STOP +
      `data:${JSON.stringify({ choices: [], usage: USAGE }, null, 1)}\n\n`
        .replaceAll('\n ', '\ndata: \t')
        .replaceAll('\n}', '\ndata:}') +
      DONE,
  ],
  [
    'with its members in another order',
    TEXT + event({ usage: USAGE, choices: [{ finish_reason: 'stop', delta: {}, index: 0 }] }) + DONE,
  ],
];

function halfOf(side: string): object {
  return Object.fromEntries(Object.entries(USAGE).filter(([name]) => name.startsWith(side)));
}

function chunkWithUsageInChoice(): string {
  return event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop', usage: USAGE }] });
}

describe.each(FRAMINGS)('framed by %s', (_framing, framed) => {
  test.each(USAGE_VARIANTS)('usage %s gives the same meters, cut at every byte', (_name, stream) => {
    const { usage, usageImplausible, finished, error } = relayAtEveryOffset(openaiChat, asking, framed(stream));

    expect({ usage, usageImplausible, finished, error }).toEqual({
      usage: METERS,
      usageImplausible: false,
      finished: true,
      error: null,
    });
  });

  test('a client that asked for usage gets every byte that the provider sent', () => {
    for (const [, stream] of USAGE_VARIANTS) {
      expect(relay(openaiChat, asking, [Buffer.from(framed(stream))]).delivered).toBe(latin1(framed(stream)));
    }
  });

  test('a client that did not ask misses the usage chunk and not a byte more', () => {
    const relayed = relayAtEveryOffset(
      openaiChat,
      facts,
      framed(`${TEXT + STOP}: note\n\n${usageChunk(USAGE)}${DONE}`),
    );

    expect(relayed.delivered).toBe(latin1(framed(`${TEXT + STOP}: note\n\n${DONE}`)));
    expect(relayed.contentBytes).toBe(TEXT_BYTES);
  });
});

test('everything is held from the event that finishes the answer, and nothing before it', () => {
  const reader = openaiChat.newStreamReader(facts);
  const text = latin1(TEXT);

  expect(reader.scan(text)).toBe(text.length);
  expect(reader.scan(text + STOP + DONE)).toBe(text.length);
  expect(reader.scan(usageChunk(USAGE))).toBe(0);
  expect(reader.usage).toEqual(METERS);
});

test('of three answers only the end of the last is held', () => {
  const three = { ...facts, answers: 3 };
  const finish = (index: number) => event({ choices: [{ index, delta: {}, finish_reason: 'stop' }] });
  const early =
    event({ choices: [{ index: 2, delta: { content: 'a' }, finish_reason: null }] }) + finish(2) + finish(0);

  const { passed, finished } = relay(openaiChat, three, [Buffer.from(early + finish(1) + DONE)]);

  expect({ passed, finished }).toEqual({ passed: early, finished: true });
  expect(relay(openaiChat, three, [Buffer.from(early)]).finished).toBe(false);
});

test('a provider that ignores n is done when it says so', () => {
  const three = { ...facts, answers: 3 };

  const { passed, delivered, finished } = relay(openaiChat, three, [
    Buffer.from(TEXT + STOP + usageChunk(USAGE) + DONE),
  ]);

  expect({ passed, delivered, finished }).toEqual({
    passed: latin1(TEXT + STOP),
    delivered: latin1(TEXT + STOP + DONE),
    finished: true,
  });
});

test('a stream that the provider cut is not finished', () => {
  const stream = Buffer.from(TEXT + STOP);
  const finishAt = stream.indexOf('"stop"');
  for (let end = 0; end < finishAt; end += 1) {
    expect(relay(openaiChat, facts, [stream.subarray(0, end)])).toMatchObject({ finished: false, error: null });
  }
});

test('an end without any finish is no finish: a proxy upstream writes [DONE] after a cut as well', () => {
  expect(relay(openaiChat, facts, [Buffer.from(TEXT + DONE)])).toMatchObject({ finished: false, ended: true });
});

test('an explicit zero is a usage, an absent or empty one is none', () => {
  const zero = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };
  expect(relay(openaiChat, facts, [Buffer.from(TEXT + STOP + usageChunk(zero))]).usage).toEqual({
    input: 0,
    output: 0,
  });
  for (const nothing of [null, {}, { prompt_tokens: 5 }]) {
    expect(relay(openaiChat, facts, [Buffer.from(TEXT + STOP + usageChunk(nothing))])).toMatchObject({
      usage: null,
      usageImplausible: false,
    });
  }
});

test.each([
  ['a negative count', { ...USAGE, prompt_tokens: -1 }],
  ['a fraction', { ...USAGE, completion_tokens: 1.5 }],
  ['a string', { ...USAGE, prompt_tokens: '100' }],
  ['more than any provider serves', { ...USAGE, completion_tokens: 1e15 }],
  ['a negative detail', { ...USAGE, prompt_tokens_details: { cached_tokens: -3 } }],
  ['a detail that is no number', { ...USAGE, completion_tokens_details: { reasoning_tokens: true } }],
  ['an array', [1, 2]],
  ['a word', 'many'],
])('usage with %s is implausible and is not charged, even after a plausible one', (_name, usage) => {
  const running = chunk({ content: 'a' }, null, { usage: USAGE });

  const relayed = relay(openaiChat, facts, [Buffer.from(running + STOP + usageChunk(usage) + DONE)]);

  expect(relayed).toMatchObject({ usage: null, usageImplausible: true });
});

test('what the model writes cannot pass for usage, an end, or an error', () => {
  const spoof =
    '"}}],"usage":{"prompt_tokens":0,"completion_tokens":0},"finish_reason":"stop"}\n\ndata: [DONE]\n\n"\\"error":{';
  const stream = chunk({ content: spoof }) + chunk({ tool_calls: [{ index: 0, function: { arguments: spoof } }] });

  expect(relayAtEveryOffset(openaiChat, facts, stream)).toMatchObject({
    usage: null,
    finished: false,
    ended: false,
    error: null,
    contentBytes: 2 * Buffer.byteLength(spoof),
  });
});

test('every kind of answer text is counted once', () => {
  const stream = [
    chunk({ reasoning_content: 'think', reasoning: 'think' }),
    chunk({ refusal: 'no' }),
    chunk({
      tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'f', arguments: '{"a":"é"}' } }],
    }),
    chunk({ function_call: { name: 'f', arguments: '{}' } }),
    chunk({
      content: [
        { type: 'thinking', thinking: [{ type: 'text', text: 'deep' }] },
        { type: 'text', text: 'ab' },
      ],
    }),
    event({ choices: [{ index: 0, delta: { content: 'x' }, logprobs: { content: [{ token: 'x', text: 'x' }] } }] }),
    event({ choices: [{ index: 0, delta: { content: null, reasoning_details: [{ text: 'again' }] } }] }),
  ].join('');

  expect(relayAtEveryOffset(openaiChat, facts, stream).contentBytes).toBe(5 + 2 + 10 + 2 + 4 + 2 + 1);
});

test('the count of content does not depend on how the provider escapes it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), fc.boolean(), (text, ascii) => {
      const plain = chunk({ content: text });
      const stream = ascii
        ? plain.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
        : plain;
      expect(relay(openaiChat, facts, [Buffer.from(stream)]).contentBytes).toBe(Buffer.byteLength(text));
    }),
  );
});

test('a line of a megabyte passes whole and is counted', () => {
  const text = 'line "quoted" \n'.repeat(70_000);
  const stream = Buffer.from(chunk({ content: text }) + STOP + usageChunk(USAGE) + DONE);
  const pieces = Array.from({ length: Math.ceil(stream.length / 65_536) }, (_, i) =>
    stream.subarray(i * 65_536, (i + 1) * 65_536),
  );

  const relayed = relay(openaiChat, asking, pieces);

  expect(relayed).toMatchObject({ contentBytes: text.length, usage: METERS, finished: true });
  expect(relayed.delivered === stream.toString('latin1')).toBe(true);
});

test('a broken event in the middle passes and the bill is still right', () => {
  const broken =
    'data: {"choices":[{"delta":{"content":"unclosed\n\ndata: \n\ndata: }\n\ndata: {"usage":{"prompt_tokens":\n\n';

  const relayed = relayAtEveryOffset(openaiChat, asking, TEXT + broken + STOP + usageChunk(USAGE) + DONE);

  expect(relayed).toMatchObject({ usage: METERS, finished: true, error: null });
  expect(relayed.delivered).toBe(latin1(TEXT + broken + STOP + usageChunk(USAGE) + DONE));
});

test('nesting without end neither throws nor takes long', () => {
  const deep = `data: {"choices":[{"delta":{"content":${'[{"content":'.repeat(50_000)}\n\n`;

  expect(relay(openaiChat, facts, [Buffer.from(deep + STOP)]).finished).toBe(true);
});

test.each([
  [
    'as the first event',
    '',
    event({ error: { message: 'busy', type: 'server_error', code: 'overloaded', param: null } }),
  ],
  ['in the middle', TEXT, event({ error: { message: 'busy', type: 'server_error', code: 'overloaded', param: null } })],
  ['by name', TEXT, 'event: error\ndata: {"message":"busy","type":"server_error","code":"overloaded"}\n\n'],
  [
    'flat, as vLLM sends it',
    TEXT,
    event({ object: 'error', message: 'busy', type: 'server_error', code: 'overloaded' }),
  ],
  [
    'with a choice, as OpenRouter sends it',
    TEXT,
    event({
      error: { message: 'busy', type: 'server_error', code: 'overloaded' },
      choices: [{ delta: {}, finish_reason: 'error' }],
    }),
  ],
])("the provider's error %s is read and never passed on", (_name, before, error) => {
  const { passed, ...read } = relayAtEveryOffset(openaiChat, facts, before + error + DONE);

  expect(passed).toBe(latin1(before));
  expect(read.error).toEqual({ status: 200, type: 'server_error', code: 'overloaded', param: null, message: 'busy' });
});
