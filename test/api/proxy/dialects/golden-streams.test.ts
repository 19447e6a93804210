// Whole streams of the formats beside chat (openai-chat-stream.test.ts), as providers send them, cut at every byte and in every
// framing: what the client gets is what was sent, all of it is held from the event that finishes the answer, and the usage is read
// wherever the format may put it (gateways.md T25, T56).
import { describe, expect, test } from '@jest/globals';
import type { Dialect } from '../../../../api/proxy/dialect.ts';
import { anthropicMessages } from '../../../../api/proxy/dialects/anthropic-messages.ts';
import { openaiCompletions } from '../../../../api/proxy/dialects/openai-completions.ts';
import { openaiResponses } from '../../../../api/proxy/dialects/openai-responses.ts';
import type { Usage } from '../../../../domain/meters.ts';
import { FRAMINGS, latin1, relay, relayAtEveryOffset } from './relay.ts';

interface Golden {
  readonly dialect: Dialect;
  readonly request: string;
  /** What may go to the client at once, and what waits for the settlement. */
  readonly passed: string;
  readonly held: string;
  readonly text: string;
  readonly usage: Usage;
}

const named = (type: string, rest: string) => `event: ${type}\ndata: {"type":"${type}"${rest}}\n\n`;

const MESSAGES_REQUEST = '{"model":"m","stream":true,"max_tokens":99,"messages":[{"role":"user","content":"hi"}]}';
const MESSAGE_START = named(
  'message_start',
  ',"message":{"id":"msg_01","type":"message","role":"assistant","model":"claude","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":25,"cache_creation_input_tokens":12,"cache_read_input_tokens":7,"cache_creation":{"ephemeral_5m_input_tokens":8,"ephemeral_1h_input_tokens":4},"output_tokens":1,"service_tier":"standard"}}',
);
const MESSAGE_BLOCKS = [
  named('content_block_start', ',"index":0,"content_block":{"type":"thinking","thinking":"","signature":""}'),
  named('ping', ''),
  named('content_block_delta', ',"index":0,"delta":{"type":"thinking_delta","thinking":"Grüße?"}'),
  named('content_block_delta', ',"index":0,"delta":{"type":"signature_delta","signature":"EqQBCgIYAhIM"}'),
  named('content_block_stop', ',"index":0'),
  named('content_block_start', ',"index":1,"content_block":{"type":"text","text":""}'),
  named('content_block_delta', ',"index":1,"delta":{"type":"text_delta","text":"船 \\ud83d\\udea2"}'),
  named('content_block_stop', ',"index":1'),
  named('content_block_start', ',"index":2,"content_block":{"type":"tool_use","id":"toolu_1","name":"f","input":{}}'),
  named('content_block_delta', ',"index":2,"delta":{"type":"input_json_delta","partial_json":"{\\"a\\":1}"}'),
  named('content_block_stop', ',"index":2'),
].join('');
const MESSAGE_STOP = named('message_stop', '');
const messageDelta = (usage: string) =>
  named('message_delta', `,"delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":${usage}`);
const MESSAGE_USAGE: Usage = { input: 25, cachedInput: 7, cacheWrite5m: 8, cacheWrite1h: 4, output: 43 };

const messages = (passed: string, held: string): Golden => ({
  ...{ dialect: anthropicMessages, request: MESSAGES_REQUEST, passed, held },
  text: 'Grüße?船 🚢{"a":1}',
  usage: MESSAGE_USAGE,
});

const RESPONSE_REQUEST = '{"model":"m","stream":true,"input":"hi"}';
const RESPONSE_HEAD = '"response":{"id":"resp_1","object":"response","status":"in_progress","output":[],"usage":null}';
const RESPONSE_USAGE =
  '{"input_tokens":100,"input_tokens_details":{"cached_tokens":30},"output_tokens":40,"output_tokens_details":{"reasoning_tokens":25},"total_tokens":140}';
const RESPONSE_EVENTS = [
  named('response.created', `,"sequence_number":0,${RESPONSE_HEAD}`),
  named('response.in_progress', `,"sequence_number":1,${RESPONSE_HEAD}`),
  named('response.output_item.added', ',"output_index":0,"item":{"id":"msg_1","type":"message","content":[]}'),
  named('response.output_text.delta', ',"item_id":"msg_1","delta":"Grüße "'),
  named('response.output_text.delta', ',"item_id":"msg_1","delta":"船\\n"'),
  named('response.output_text.done', ',"item_id":"msg_1","text":"Grüße 船\\n"'),
  named('response.function_call_arguments.delta', ',"item_id":"fc_1","delta":"{\\"a\\":1}"'),
  named('response.function_call_arguments.done', ',"item_id":"fc_1","arguments":"{\\"a\\":1}"'),
].join('');
const FINAL_RESPONSE = `{"id":"resp_1","object":"response","status":"completed","error":null,"output":[{"id":"msg_1","type":"message","content":[{"type":"output_text","text":"Grüße 船\\n"}]}],"usage":${RESPONSE_USAGE}}`;

const responses = (held: string): Golden => ({
  ...{ dialect: openaiResponses, request: RESPONSE_REQUEST, passed: RESPONSE_EVENTS, held },
  text: 'Grüße 船\n{"a":1}',
  usage: { input: 70, cachedInput: 30, output: 15, reasoning: 25 },
});

const COMPLETIONS_REQUEST = '{"model":"m","stream":true,"prompt":"hi","stream_options":{"include_usage":true}}';
const DONE = 'data: [DONE]\n\n';
const completion = (choices: string, more = '') =>
  `data: {"id":"cmpl-1","object":"text_completion","created":1,"choices":[${choices}],"model":"m"${more}}\n\n`;
const COMPLETION_TEXT =
  completion('{"text":"Grüße ","index":0,"logprobs":null,"finish_reason":null}') +
  completion('{"text":"船","index":0,"logprobs":null,"finish_reason":null}');
const LAST_CHOICE = '{"text":"","index":0,"logprobs":null,"finish_reason":"stop"}';
const COMPLETION_USAGE =
  '{"prompt_tokens":100,"completion_tokens":40,"total_tokens":140,"prompt_tokens_details":{"cached_tokens":30}}';

const completions = (passed: string, held: string): Golden => ({
  ...{ dialect: openaiCompletions, request: COMPLETIONS_REQUEST, passed, held },
  text: 'Grüße 船',
  usage: { input: 70, cachedInput: 30, output: 40 },
});

const STREAMS: readonly (readonly [string, Golden])[] = [
  [
    'messages: input at the start, output at the end',
    messages(MESSAGE_START + MESSAGE_BLOCKS, messageDelta('{"output_tokens":43}') + MESSAGE_STOP),
  ],
  [
    'messages: everything again at the end, as newer ones do',
    messages(
      MESSAGE_START + MESSAGE_BLOCKS,
      messageDelta(
        '{"input_tokens":25,"cache_creation_input_tokens":12,"cache_read_input_tokens":7,"output_tokens":43}',
      ) + MESSAGE_STOP,
    ),
  ],
  [
    'messages: running output before the end',
    messages(
      `${MESSAGE_START}${named('message_delta', ',"delta":{"stop_reason":null},"usage":{"output_tokens":20}')}${MESSAGE_BLOCKS}`,
      messageDelta('{"output_tokens":43}') + MESSAGE_STOP,
    ),
  ],
  ['responses: inside response.completed', responses(named('response.completed', `,"response":${FINAL_RESPONSE}`))],
  [
    'responses: the type behind what it explains',
    responses(`event: response.completed\ndata: {"response":${FINAL_RESPONSE},"type":"response.completed"}\n\n`),
  ],
  [
    'responses: cut by the cap',
    responses(
      named(
        'response.incomplete',
        `,"response":${FINAL_RESPONSE.replace('"status":"completed"', '"status":"incomplete"')}`,
      ),
    ),
  ],
  [
    'completions: in a chunk of its own',
    completions(COMPLETION_TEXT, completion(LAST_CHOICE) + completion('', `,"usage":${COMPLETION_USAGE}`) + DONE),
  ],
  [
    'completions: in the chunk that finishes',
    completions(COMPLETION_TEXT, completion(LAST_CHOICE, `,"usage":${COMPLETION_USAGE}`) + DONE),
  ],
  [
    'completions: running in every chunk',
    completions(
      COMPLETION_TEXT.replaceAll(
        '"model":"m"',
        '"model":"m","usage":{"prompt_tokens":100,"completion_tokens":1,"total_tokens":101}',
      ),
      completion(LAST_CHOICE, `,"usage":${COMPLETION_USAGE}`) + DONE,
    ),
  ],
  [
    'completions: behind [DONE]',
    completions(COMPLETION_TEXT, completion(LAST_CHOICE) + DONE + completion('', `,"usage":${COMPLETION_USAGE}`)),
  ],
  [
    'completions: split over two chunks',
    completions(
      completion(
        '{"text":"Grüße 船","index":0,"finish_reason":null}',
        ',"usage":{"prompt_tokens":100,"prompt_tokens_details":{"cached_tokens":30}}',
      ),
      completion(LAST_CHOICE, ',"usage":{"completion_tokens":40}') + DONE,
    ),
  ],
];

describe.each(FRAMINGS)('framed by %s', (_framing, framed) => {
  test.each(STREAMS)('%s: every byte arrives, and is billed by that usage, cut wherever it may be', (_name, golden) => {
    const { dialect, request, passed, held, text, usage } = golden;
    const facts = dialect.readRequest(Buffer.from(request));

    const relayed = relayAtEveryOffset(dialect, facts, framed(passed + held));

    expect(relayed.delivered).toBe(latin1(framed(passed + held)));
    expect(relayed.passed).toBe(latin1(framed(passed)));
    expect(relayed).toMatchObject({
      ...{ usage, usageImplausible: false, finished: true, ended: true, error: null, sawContent: true },
      contentBytes: Buffer.byteLength(text),
    });
  });
});

test('a client of completions that did not ask for usage misses that chunk and not a byte more', () => {
  const facts = openaiCompletions.readRequest(Buffer.from('{"model":"m","stream":true,"prompt":"hi"}'));
  const [before, usageChunk] = [
    COMPLETION_TEXT + completion(LAST_CHOICE),
    completion('', `,"usage":${COMPLETION_USAGE}`),
  ];

  const relayed = relayAtEveryOffset(openaiCompletions, facts, before + usageChunk + DONE);

  expect(relayed.delivered).toBe(latin1(before + DONE));
  expect(relayed.usage).toEqual({ input: 70, cachedInput: 30, output: 40 });
});

test.each(STREAMS)(
  '%s: cut before the event that finishes it, it is not finished',
  (_name, { dialect, request, passed }) => {
    const facts = dialect.readRequest(Buffer.from(request));

    expect(relay(dialect, facts, [Buffer.from(passed)])).toMatchObject({ finished: false, ended: false, error: null });
  },
);
