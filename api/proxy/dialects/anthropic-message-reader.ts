// Reads along with Anthropic messages, streamed or plain. Usage comes in two halves: message_start has the input, each
// message_delta the output so far (and, newer, the input again), all cumulative, so later counts replace earlier ones.

import { readAnthropicUsage } from './anthropic-usage.ts';
import { EventReader } from './event-reader.ts';
import {
  hasContent,
  isNamed,
  isString,
  type VisitElement,
  type VisitMember,
  valueEnd,
  walkElements,
  walkMembers,
} from './json-cursor.ts';
import { isJsonObject, parsePlainPart } from './json-values.ts';
import type { SseEvents } from './sse-text.ts';

export class MessageReader extends EventReader {
  readonly #rawUsage: Record<string, unknown> = {};

  protected readEvent({ data, dataStart, dataEnd }: SseEvents): void {
    walkMembers(data, dataStart, dataEnd, this.#eventMember);
  }

  protected readAnswerObject(text: string, at: number, end: number): number {
    return walkMembers(text, at, end, this.#messageMember);
  }

  readonly #eventMember: VisitMember = (text, name, nameEnd, value, end) => {
    if (isNamed(text, name, nameEnd, 'delta')) return walkMembers(text, value, end, this.#deltaMember);
    if (isNamed(text, name, nameEnd, 'content_block')) return this.#block(text, value, end);
    if (isNamed(text, name, nameEnd, 'message')) return walkMembers(text, value, end, this.#messageMember);
    if (isNamed(text, name, nameEnd, 'type') && text.startsWith('"message_stop"', value)) this.ended = true;
    return this.#messageMember(text, name, nameEnd, value, end);
  };

  readonly #deltaMember: VisitMember = (text, name, nameEnd, value, end) => {
    if (isNamed(text, name, nameEnd, 'stop_reason')) return this.#readStop(text, value, end);
    return isBlockText(text, name, nameEnd) ? this.readText(text, value, end) : valueEnd(text, value, end);
  };

  readonly #messageMember: VisitMember = (text, name, nameEnd, value, end) => {
    if (isNamed(text, name, nameEnd, 'content')) return walkElements(text, value, end, this.#block);
    if (isNamed(text, name, nameEnd, 'stop_reason')) return this.#readStop(text, value, end);
    if (isNamed(text, name, nameEnd, 'usage')) return this.#readUsage(text, value, end);
    if (isNamed(text, name, nameEnd, 'error')) return this.readError(text, value, end);
    return valueEnd(text, value, end);
  };

  readonly #block: VisitElement = (text, block, end) => walkMembers(text, block, end, this.#blockMember);

  readonly #blockMember: VisitMember = (text, name, nameEnd, value, end) => {
    if (isBlockText(text, name, nameEnd)) return this.readText(text, value, end);
    const behind = valueEnd(text, value, end);
    if (isNamed(text, name, nameEnd, 'type')) {
      if (!isProse(text, value)) this.sawContent = true;
    } else if (isNamed(text, name, nameEnd, 'input') && hasContent(text, value)) {
      // Streamed, the same arguments come as the text of a JSON object.
      this.addContent(behind - value);
    }
    return behind;
  };

  #readStop(text: string, value: number, end: number): number {
    const behind = valueEnd(text, value, end);
    if (!isString(text, value)) return behind;
    this.finished = true;
    if (!text.startsWith('"end_turn"', value)) this.sawContent = true;
    return behind;
  }

  #readUsage(text: string, value: number, end: number): number {
    const behind = valueEnd(text, value, end);
    const raw = parsePlainPart(text, value, behind);
    if (isJsonObject(raw)) {
      for (const [name, count] of Object.entries(raw)) if (count !== null) this.#rawUsage[name] = count;
      this.takeUsage(readAnthropicUsage(this.#rawUsage));
    } else {
      this.takeUsage(readAnthropicUsage(raw));
    }
    return behind;
  }
}

function isBlockText(text: string, name: number, nameEnd: number): boolean {
  return (
    isNamed(text, name, nameEnd, 'text') ||
    isNamed(text, name, nameEnd, 'partial_json') ||
    isNamed(text, name, nameEnd, 'thinking')
  );
}

/** Blocks that may be empty; any other (a tool call, a search) is an answer as it stands. */
function isProse(text: string, type: number): boolean {
  return (
    text.startsWith('"text"', type) ||
    text.startsWith('"thinking"', type) ||
    text.startsWith('"redacted_thinking"', type)
  );
}
