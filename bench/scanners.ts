// `node bench/scanners.ts`: what reading along costs, apart from sockets and money: per event of a stream and per request, for each
// dialect. 100,000 events of 270 bytes a second and core leave 10 µs for all that happens to one; the reader's share is printed here.
import type { Dialect, RequestFacts } from '../api/proxy/dialect.ts';
import { anthropicMessages } from '../api/proxy/dialects/anthropic-messages.ts';
import { openaiChat } from '../api/proxy/dialects/openai-chat.ts';
import { openaiCompletions } from '../api/proxy/dialects/openai-completions.ts';
import { openaiEmbeddings } from '../api/proxy/dialects/openai-embeddings.ts';
import { openaiResponses } from '../api/proxy/dialects/openai-responses.ts';
import { EventSplitter } from '../api/proxy/event-splitter.ts';

const EVENTS = 50;
const EVENT_BYTES = 270;
const ROUNDS = 7;
const ROUND_MS = 250;
const WORDS = 'The toll is taken "once" at the gate.\n';

interface Surface {
  readonly dialect: Dialect;
  /** A request whose text is this. */
  request(text: string, more: object): object;
  /** The events of an answer: one for each text, and what ends it. null: not streamed. */
  readonly stream: ((texts: readonly string[]) => string[]) | null;
}

const USAGE = { prompt_tokens: 100, completion_tokens: 50, total_tokens: 150 };
const DONE = 'data: [DONE]\n\n';

const SURFACES: readonly Surface[] = [
  {
    dialect: openaiChat,
    request: (text, more) => ({ model: 'm', messages: [{ role: 'user', content: text }], ...more }),
    stream: (texts) => [
      ...texts.map((content) => chunk('chat.completion.chunk', { delta: { content }, finish_reason: null })),
      chunk('chat.completion.chunk', { delta: {}, finish_reason: 'stop' }),
      data({ id: 'chatcmpl-1', object: 'chat.completion.chunk', choices: [], usage: USAGE }),
      DONE,
    ],
  },
  {
    dialect: openaiCompletions,
    request: (prompt, more) => ({ model: 'm', prompt, ...more }),
    stream: (texts) => [
      ...texts.map((text) => chunk('text_completion', { text, logprobs: null, finish_reason: null })),
      chunk('text_completion', { text: '', logprobs: null, finish_reason: 'stop' }),
      data({ id: 'cmpl-1', object: 'text_completion', choices: [], usage: USAGE }),
      DONE,
    ],
  },
  { dialect: openaiEmbeddings, request: (input) => ({ model: 'm', input }), stream: null },
  {
    dialect: openaiResponses,
    request: (input, more) => ({ model: 'm', input, ...more }),
    stream: (texts) => [
      ...texts.map((delta, sequence) =>
        named('response.output_text.delta', { item_id: 'msg_1', output_index: 0, sequence_number: sequence, delta }),
      ),
      named('response.completed', {
        response: { id: 'resp_1', output: [], usage: { input_tokens: 100, output_tokens: 50, total_tokens: 150 } },
      }),
    ],
  },
  {
    dialect: anthropicMessages,
    request: (content, more) => ({ model: 'm', max_tokens: 256, messages: [{ role: 'user', content }], ...more }),
    stream: (texts) => [
      named('message_start', { message: { id: 'msg_1', content: [], usage: { input_tokens: 100, output_tokens: 1 } } }),
      ...texts.map((text) => named('content_block_delta', { index: 0, delta: { type: 'text_delta', text } })),
      named('message_delta', { delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 50 } }),
      named('message_stop', {}),
    ],
  },
];

print(['dialect', 'scan µs/event', 'MB/s', 'relay µs/event', 'MB/s', '500 B µs/request', '30 KB µs/request', 'MB/s']);
for (const surface of SURFACES) print([surface.dialect.id, ...streamFigures(surface), ...requestFigures(surface)]);

/** scan: events as text, each by itself. relay: from the bytes of a socket read, each cut inside its event. */
function streamFigures({ dialect, request, stream }: Surface): string[] {
  if (stream === null) return ['', '', '', ''];
  const facts = dialect.readRequest(Buffer.from(JSON.stringify(request('hi', { stream: true }))));
  const texts = textsOf(stream);
  const scanned = stream(texts).map((event) => Buffer.from(event).toString('latin1'));
  const answer = Buffer.from(scanned.join(''), 'latin1');
  const pieces = scanned.map((_, i) => answer.subarray(i * EVENT_BYTES + 100, (i + 1) * EVENT_BYTES + 100));
  const scanMicros = microsOf(() => scanAll(dialect, facts, scanned)) / scanned.length;
  const relayMicros = microsOf(() => relayAll(dialect, facts, pieces)) / pieces.length;
  const bytesPerEvent = answer.length / scanned.length;
  return [
    micros(scanMicros),
    megabytes(bytesPerEvent, scanMicros),
    micros(relayMicros),
    megabytes(bytesPerEvent, relayMicros),
  ];
}

function scanAll(dialect: Dialect, facts: RequestFacts, events: readonly string[]): number {
  const reader = dialect.newStreamReader(facts);
  for (const event of events) reader.scan(event);
  return reader.contentBytes;
}

function relayAll(dialect: Dialect, facts: RequestFacts, pieces: readonly Buffer[]): number {
  const reader = dialect.newStreamReader(facts);
  const splitter = new EventSplitter();
  for (const piece of pieces) {
    const events = splitter.push(piece);
    if (events.length > 0) reader.scan(events.toString('latin1'));
  }
  return reader.contentBytes;
}

function requestFigures({ dialect, request }: Surface): string[] {
  const [small, large] = [500, 30_000].map((bytes) => {
    const body = Buffer.from(JSON.stringify(request(filled(bytes - 150), { stream: true, temperature: 0.7 })));
    const order = { upstreamModel: 'upstream-model', outputCap: 128, outputCapField: null };
    return { body, micros: microsOf(() => dialect.rewriteRequest(body, dialect.readRequest(body), order).length) };
  });
  if (small === undefined || large === undefined) throw new Error('two bodies were measured');
  return [micros(small.micros), micros(large.micros), megabytes(large.body.length, large.micros)];
}

/** Of the best round: the others measured the neighbours of this process. */
function microsOf(work: () => number): number {
  let best = Number.POSITIVE_INFINITY;
  let sink = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const from = performance.now();
    let times = 0;
    let spentMs = 0;
    while (spentMs < ROUND_MS) {
      for (let i = 0; i < 20; i += 1) sink += work();
      times += 20;
      spentMs = performance.now() - from;
    }
    best = Math.min(best, (spentMs * 1000) / times);
  }
  if (sink === 0) throw new Error('nothing was read');
  return best;
}

/** So long that an event has the size that the bar is about. */
function textsOf(stream: (texts: readonly string[]) => string[]): string[] {
  const frame = Math.max(
    ...stream([''])
      .slice(0, 2)
      .map((event) => event.length),
  );
  return Array.from({ length: EVENTS }, () => filled(EVENT_BYTES - frame));
}

function filled(bytes: number): string {
  return WORDS.repeat(Math.ceil(bytes / WORDS.length)).slice(0, Math.max(1, bytes));
}

function chunk(object: string, choice: object): string {
  return data({
    id: 'chatcmpl-0123456789',
    object,
    created: 1_760_000_000,
    model: 'm',
    choices: [{ index: 0, ...choice }],
  });
}

function named(type: string, members: object): string {
  return `event: ${type}\n${data({ type, ...members })}`;
}

function data(value: object): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}

function micros(value: number): string {
  return value.toFixed(2);
}

function megabytes(bytes: number, microsEach: number): string {
  return (bytes / microsEach).toFixed(0);
}

function print(cells: readonly string[]): void {
  process.stdout.write(`${cells.map((cell, i) => (i === 0 ? cell.padEnd(20) : cell.padStart(17))).join('')}\n`);
}
