// Reads along with the Responses API, streamed or plain. A stream tells its text twice, in `.delta` events and again in
// `.done` events and the final response; only the deltas are counted, and the final response where there were none.
import { EventReader } from './event-reader.ts';
import {
  isNamed,
  isString,
  type VisitElement,
  type VisitMember,
  valueEnd,
  walkElements,
  walkMembers,
} from './json-cursor.ts';
import { parsePart, parsePlainPart } from './json-values.ts';
import { readOpenaiUsage } from './openai-usage.ts';
import { errorFromValue } from './provider-errors.ts';
import type { SseEvents } from './sse-text.ts';

export class ResponseReader extends EventReader {
  #type = '';
  #delta = -1;
  #response = -1;

  protected readEvent({ data, dataStart, dataEnd }: SseEvents): void {
    this.#type = '';
    this.#delta = -1;
    this.#response = -1;
    walkMembers(data, dataStart, dataEnd, this.#eventMember);
    if (this.#type.endsWith('.delta')) this.#readDelta(data, dataEnd);
    else if (isTerminal(this.#type)) this.#readTerminal(data, dataStart, dataEnd);
    else if (data.startsWith('[DONE]', dataStart)) this.ended = true;
    // A slice: it would keep all of the stretch alive, as long as its stream waits for the next one.
    this.#type = '';
  }

  protected readAnswerObject(text: string, at: number, end: number): number {
    return walkMembers(text, at, end, this.#responseMember);
  }

  // The type may stand behind what it explains, so places are noted first and judged after.
  readonly #eventMember: VisitMember = (text, name, nameEnd, value, end) => {
    const behind = valueEnd(text, value, end);
    if (isNamed(text, name, nameEnd, 'type')) this.#type = text.slice(value + 1, behind - 1);
    else if (isNamed(text, name, nameEnd, 'delta')) this.#delta = value;
    else if (isNamed(text, name, nameEnd, 'response')) this.#response = value;
    return behind;
  };

  /** Sound comes as base64 in its deltas; its transcript has deltas of its own. */
  #readDelta(text: string, end: number): void {
    if (this.#delta === -1 || this.#type === 'response.audio.delta') return;
    this.readText(text, this.#delta, end);
  }

  #readTerminal(text: string, at: number, end: number): void {
    if (this.#response !== -1) walkMembers(text, this.#response, end, this.#responseMember);
    if (this.#type === 'error') this.error = errorFromValue(200, parsePart(text, at, end));
    else if (this.#type === 'response.failed') this.error ??= errorFromValue(200, null);
    else this.#complete();
  }

  #complete(): void {
    this.finished = true;
    this.ended = true;
    // Cut by the cap or a filter: that is an answer.
    if (this.#type === 'response.incomplete') this.sawContent = true;
  }

  readonly #responseMember: VisitMember = (text, name, nameEnd, value, end) => {
    if (isNamed(text, name, nameEnd, 'output') && this.contentBytes === 0) {
      return walkElements(text, value, end, this.#item);
    }
    const behind = valueEnd(text, value, end);
    if (isNamed(text, name, nameEnd, 'usage')) {
      this.takeUsage(readOpenaiUsage(parsePlainPart(text, value, behind)));
    } else if (isNamed(text, name, nameEnd, 'error')) {
      this.readError(text, value, end);
    } else if (isNamed(text, name, nameEnd, 'status') && text.startsWith('"incomplete"', value)) {
      this.sawContent = true;
    }
    return behind;
  };

  readonly #item: VisitElement = (text, item, end) => walkMembers(text, item, end, this.#itemMember);

  readonly #itemMember: VisitMember = (text, name, nameEnd, value, end) => {
    if (isString(text, value) && isAnswerText(text, name, nameEnd)) return this.readText(text, value, end);
    if (isNamed(text, name, nameEnd, 'content') || isNamed(text, name, nameEnd, 'summary')) {
      return walkElements(text, value, end, this.#part);
    }
    if (isNamed(text, name, nameEnd, 'type') && !isProse(text, value)) this.sawContent = true;
    return valueEnd(text, value, end);
  };

  readonly #part: VisitElement = (text, part, end) => walkMembers(text, part, end, this.#partMember);

  readonly #partMember: VisitMember = (text, name, nameEnd, value, end) =>
    isAnswerText(text, name, nameEnd) ? this.readText(text, value, end) : valueEnd(text, value, end);
}

function isTerminal(type: string): boolean {
  return (
    type === 'response.completed' || type === 'response.incomplete' || type === 'response.failed' || type === 'error'
  );
}

function isAnswerText(text: string, name: number, nameEnd: number): boolean {
  return (
    isNamed(text, name, nameEnd, 'text') ||
    isNamed(text, name, nameEnd, 'arguments') ||
    isNamed(text, name, nameEnd, 'input') ||
    isNamed(text, name, nameEnd, 'refusal')
  );
}

/** Items that may be empty; any other (a call, a search, an image) is an answer as it stands. */
function isProse(text: string, type: number): boolean {
  return text.startsWith('"message"', type) || text.startsWith('"reasoning"', type);
}
