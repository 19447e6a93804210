// An event that repeats an earlier one but for its text is compared and not walked through. What is read must not depend on it.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { StreamReader } from '../../../../api/proxy/dialect.ts';
import { MessageReader } from '../../../../api/proxy/dialects/anthropic-message-reader.ts';
import { ChunkReader } from '../../../../api/proxy/dialects/openai-chunk-reader.ts';
import { ResponseReader } from '../../../../api/proxy/dialects/openai-response-reader.ts';
import { latin1 } from './relay.ts';

const ANSWERS = 3;

/** The data of an event around a text. */
type Shape = (text: string) => string;

const choice = (index: number, delta: string, rest = '"finish_reason":null') =>
  `"id":"c","choices":[{"index":${index},"delta":{${delta}},${rest}}],"usage":null}`;
const CHAT: Shape[] = [
  (text) => choice(0, `"content":${text}`),
  (text) => choice(1, `"content":${text}`),
  (text) => choice(0, `"content":${text},"refusal":${text}`),
  (text) => choice(0, `"reasoning":${text},"reasoning_content":${text}`),
  (text) => choice(0, `"tool_calls":[{"index":0,"function":{"arguments":${text}}}]`),
  (text) => choice(2, `"content":${text}`, '"finish_reason":"stop"'),
  (text) => choice(0, `"content":${text}`, '"finish_reason":null,"usage":{"prompt_tokens":1,"completion_tokens":2}'),
  (text) => choice(0, `"content":${text}`, '"finish_reason":null,"usage":{"prompt_tokens":-1}'),
  (text) => choice(0, `"content":${text}`, '"finish_reason":null,"usage":{"prompt_tokens":5}'),
  (text) => `"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":${text.length}}}`,
  (text) => `"object":"error","message":${text}}`,
  (text) => `"choices":[{"index":1,"text":${text},"finish_reason":"length"}]}`,
];
const MESSAGES: Shape[] = [
  (text) => `"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":${text}}}`,
  (text) => `"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":${text}}}`,
  (text) => `"type":"content_block_start","content_block":{"type":"tool_use","input":{"a":${text}}}}`,
  (text) => `"type":"content_block_delta","delta":{"text":${text}},"usage":{"input_tokens":5}}`,
  (text) => `"type":"message_start","message":{"usage":{"input_tokens":${text.length}}}}`,
  (text) => `"type":"message_delta","delta":{"stop_reason":null},"usage":{"output_tokens":${text.length}}}`,
  (text) => `"type":"message_delta","delta":{"stop_reason":"end_turn","text":${text}}}`,
  (text) => `"type":"error","error":{"type":"overloaded_error","message":${text}}}`,
];
const RESPONSES: Shape[] = [
  (text) => `"type":"response.output_text.delta","delta":${text}}`,
  (text) => `"type":"response.reasoning_text.delta","delta":${text}}`,
  (text) => `"type":"response.failed","response":{"error":{"code":"server_error","message":${text}}}}`,
];

const formats: [string, () => StreamReader, Shape[]][] = [
  ['chat', () => new ChunkReader(ANSWERS), CHAT],
  ['messages', () => new MessageReader(), MESSAGES],
  ['responses', () => new ResponseReader(), RESPONSES],
];

/** An event that its provider cut. */
function withoutEnd(rest: string, missing: number): string {
  return rest.slice(0, Math.max(0, rest.length - missing));
}

function readAll(reader: StreamReader, events: readonly string[]): unknown {
  const held = events.map((event) => reader.scan(latin1(event)) === latin1(event).length);
  const { usage, usageImplausible, usageRepaired, contentBytes, sawContent, finished, ended, error } = reader;
  return { held, usage, usageImplausible, usageRepaired, contentBytes, sawContent, finished, ended, error };
}

test.each(formats)(
  'a stream of %s is read the same whether its events repeat each other or never',
  (_, open, shapes) => {
    const texts = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.constantFrom('', '"', '\\', '\\"', '"}],', '\u{1f6a2}'),
    );
    const events = fc.array(
      fc.record({
        shape: fc.nat({ max: shapes.length - 1 }),
        times: fc.integer({ min: 1, max: 4 }),
        text: texts,
        missing: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat({ max: 60 })),
        name: fc.constantFrom('', 'event: e\n'),
      }),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(events, (list) => {
        const bodies = list.flatMap(({ shape, times, text, missing, name }) =>
          Array.from({ length: times }, (__, at) => ({
            name,
            rest: withoutEnd(shapes[shape]?.(JSON.stringify(text + 'x'.repeat(at))) ?? '', missing),
          })),
        );
        const repeating = bodies.map(({ name, rest }) => `${name}data: {${rest}\n\n`);
        const unique = bodies.map(({ name, rest }, at) => `${name}data: {"unique":${at},${rest}\n\n`);

        expect(readAll(open(), repeating)).toEqual(readAll(open(), unique));
      }),
      { numRuns: 2_000 },
    );
  },
);

test('what only looks like the event before is walked through: other bytes behind the text, another name, a text without end', () => {
  const event = (text: string, rest: string) =>
    `data: {"choices":[{"index":0,"delta":{"content":"${text}"},${rest}\n\n`;
  const plain = '"finish_reason":null}]}';

  const finished = new ChunkReader(1);
  finished.scan(event('a', plain) + event('b', plain) + event('c', '"finish_reason":"stop"}]}'));
  const broken = new ChunkReader(1);
  broken.scan(`${event('a', plain)}data: {"choices":[{"index":0,"delta":{"content":"bb\n\n${event('c', plain)}`);
  const error = new ChunkReader(1);
  error.scan(`${event('a', plain)}event: error\n${event('b', plain)}`);

  expect(finished).toMatchObject({ finished: true, contentBytes: 3 });
  expect(broken).toMatchObject({ finished: false, error: null });
  expect(error.error).not.toBeNull();
});

const within = (text: string, rest = '') => `data: {"choices":[{"index":0,"delta":{"content":"${text}"${rest}\n\n`;

test('what an event that was cut behind its text says is not what the whole events after it say', () => {
  const finish = new ChunkReader(1);
  const error = new ChunkReader(1);
  const usage = '"usage":{"prompt_tokens":9,"completion_tokens":8}}';
  const last = within('b', `},"finish_reason":"stop"}],${usage}`);

  const heldFrom = finish.scan(within('a') + last);
  error.scan(within('a\\"').replace('"\n\n', '\n\n') + within('b', '}}],"error":{"message":"out of order"}}'));

  expect(heldFrom).toBe(within('a').length);
  expect(finish).toMatchObject({ finished: true, usage: { input: 9, output: 8 }, contentBytes: 2 });
  expect(error.error).toMatchObject({ message: 'out of order' });
});

test('usage says something new also where it is said again', () => {
  const withUsage = (text: string, usage: string) => within(text, `},"finish_reason":null}],"usage":${usage}}`);
  const impossible = new ChunkReader(1);
  const halved = new ChunkReader(1);
  const whole = '{"prompt_tokens":3,"completion_tokens":4}';

  for (const usage of ['{"prompt_tokens":-1}', whole, '{"prompt_tokens":-1}']) impossible.scan(withUsage('a', usage));
  for (const usage of ['{"prompt_tokens":5}', whole, '{"prompt_tokens":5}']) halved.scan(withUsage('a', usage));

  expect(impossible).toMatchObject({ usage: null, usageImplausible: true });
  expect(halved.usage).toEqual({ input: 5, output: 4 });
});
