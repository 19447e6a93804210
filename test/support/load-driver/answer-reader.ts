// Reads an answer as its client does: how many bytes of content it was given, whether its end was seen, and what error it ended in.
import type { Surface } from './plan.ts';

type Json = { readonly [name: string]: unknown };

export class AnswerReader {
  readonly #surface: Surface;
  readonly #streamed: boolean;
  readonly #decoder = new TextDecoder();
  #text = '';
  contentBytes = 0;
  /** A stream's own end: [DONE], message_stop, response.completed. A plain answer's end is its body's. */
  terminatorSeen = false;
  errorCode: string | null = null;
  /** What a person would read, and what may have been promised there. */
  errorMessage: string | null = null;

  constructor(surface: Surface, streamed: boolean) {
    this.#surface = surface;
    this.#streamed = streamed;
  }

  read(chunk: Buffer): void {
    this.#text += this.#decoder.decode(chunk, { stream: true });
    if (!this.#streamed) return;
    const events = this.#text.split(/\r?\n\r?\n/);
    this.#text = events.pop() ?? '';
    for (const event of events) this.#readEvent(event);
  }

  /** The body ended as its framing promised. */
  finish(): void {
    if (this.#streamed) return;
    const body = parsed(this.#text);
    this.terminatorSeen = true;
    if (body === null) return;
    this.#readError(body);
    this.contentBytes = bytesOf(plainTexts(this.#surface, body));
  }

  #readEvent(event: string): void {
    const lines = event.split(/\r?\n/).filter((line) => line.startsWith('data:'));
    const data = lines.map((line) => line.slice(5).trimStart()).join('\n');
    if (data === '') return;
    if (data === '[DONE]') {
      this.terminatorSeen = true;
      return;
    }
    const body = parsed(data);
    if (body === null) return;
    const isEnd =
      body.type === 'message_stop' || body.type === 'response.completed' || body.type === 'response.incomplete';
    if (isEnd) this.terminatorSeen = true;
    this.#readError(body);
    this.contentBytes += bytesOf(streamedTexts(this.#surface, body));
  }

  /** OpenAI: {error: {code, type}}, response.failed {response: {error}}; Anthropic: {type: 'error', error: {type}}. */
  #readError(body: Json): void {
    const { code, type, message } = object(body.error ?? object(body.response).error);
    const name = code ?? type ?? (body.type === 'error' ? (body.code ?? 'error') : null);
    if (typeof name === 'string') this.errorCode ??= name;
    if (typeof message === 'string') this.errorMessage ??= message;
  }
}

function streamedTexts(surface: Surface, event: Json): unknown[] {
  switch (surface) {
    case 'chat':
      return list(event.choices).flatMap((choice) => chatTexts(object(choice.delta)));
    case 'completions':
      return list(event.choices).map((choice) => choice.text);
    case 'messages': {
      const delta = object(event.delta);
      return event.type === 'content_block_delta' ? [delta.text, delta.thinking, delta.partial_json] : [];
    }
    case 'responses':
      return typeof event.type === 'string' && event.type.endsWith('.delta') ? [event.delta] : [];
    case 'embeddings':
      return [];
  }
}

function plainTexts(surface: Surface, body: Json): unknown[] {
  switch (surface) {
    case 'chat':
      return list(body.choices).flatMap((choice) => chatTexts(object(choice.message)));
    case 'completions':
      return list(body.choices).map((choice) => choice.text);
    case 'messages':
      return list(body.content).flatMap((block) => [block.text, block.thinking]);
    case 'responses':
      return list(body.output).flatMap((item) => [...texts(item.summary), ...texts(item.content), item.arguments]);
    case 'embeddings':
      return [];
  }
}

function chatTexts(message: Json): unknown[] {
  const calls = list(message.tool_calls).map((call) => object(call.function).arguments);
  return [message.content, message.reasoning_content, message.refusal, ...calls];
}

function texts(parts: unknown): unknown[] {
  return list(parts).map((part) => part.text);
}

function bytesOf(values: readonly unknown[]): number {
  return values.reduce((bytes: number, value) => bytes + (typeof value === 'string' ? Buffer.byteLength(value) : 0), 0);
}

/** Null: no JSON object, as an upstream's garbage is. */
function parsed(text: string): Json | null {
  try {
    return object(JSON.parse(text));
  } catch {
    return null;
  }
}

function object(value: unknown): Json {
  return isObject(value) ? value : {};
}

function list(value: unknown): Json[] {
  return Array.isArray(value) ? value.map(object) : [];
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
