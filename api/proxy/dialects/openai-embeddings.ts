// OpenAI embeddings: no output, no stream, and answers of megabytes whose floats nobody here needs to parse.
import type { Dialect } from '../dialect.ts';
import { type SpliceableFacts, splicePoints, spliceRequest } from './body-splice.ts';
import { EventReader } from './event-reader.ts';
import { hasContent, isNamed, type VisitMember, valueEnd, walkMembers } from './json-cursor.ts';
import { parsePlainPart } from './json-values.ts';
import { openaiChat } from './openai-chat.ts';
import { readEmbeddingsUsage } from './openai-usage.ts';
import { promptsOf } from './prompts.ts';
import { refuseValue } from './refusal.ts';
import { openBody } from './request-body.ts';
import { flagOf, modelIdOf } from './request-values.ts';
import type { SseEvents } from './sse-text.ts';

const GOVERNED = ['model', 'input', 'stream'];

export const openaiEmbeddings: Dialect = {
  ...openaiChat,
  id: 'openai-embeddings',
  upstreamPath: '/embeddings',
  readRequest,
  rewriteRequest: (body, facts, order) => spliceRequest(body, facts, { ...order, outputCap: null }, 'max_tokens'),
  readAnswer: (body) => new EmbeddingsReader().readBody(body),
  newStreamReader: () => new EmbeddingsReader(),
  heldTail: (held) => held,
};

function readRequest(body: Buffer): SpliceableFacts {
  const request = openBody(body, GOVERNED);
  const { values } = request;
  if (flagOf(values, 'stream')) refuseValue('stream', 'Embeddings are not streamed. Leave "stream" out.');
  return {
    modelId: modelIdOf(values),
    streamed: false,
    askedOutputTokens: null,
    minimumOutputTokens: 0,
    answers: 1,
    contentBytes: promptsOf(values, 'input').bytes,
    wantsUsageChunk: false,
    splice: splicePoints(request, null, null),
  };
}

class EmbeddingsReader extends EventReader {
  protected readEvent({ data, dataStart, dataEnd }: SseEvents): void {
    this.readAnswerObject(data, dataStart, dataEnd);
  }

  protected readAnswerObject(text: string, at: number, end: number): number {
    return walkMembers(text, at, end, this.#member);
  }

  readonly #member: VisitMember = (text, name, nameEnd, value, end) => {
    if (isNamed(text, name, nameEnd, 'error')) return this.readError(text, value, end);
    const behind = valueEnd(text, value, end);
    if (isNamed(text, name, nameEnd, 'usage')) {
      this.takeUsage(readEmbeddingsUsage(parsePlainPart(text, value, behind)));
    } else if (isNamed(text, name, nameEnd, 'data') && hasContent(text, value)) {
      this.sawContent = true;
    }
    return behind;
  };
}
