// How many input tokens a request has. The promise that gateways' estimates rest on: never less than the bytes of all text
// (messages, system, tool definitions as JSON) divided by the model's bytes per token.
import type { DemoModel } from './catalogue.ts';
import { type JsonObject, memberText, objectOf } from './json-body.ts';

const TOKENS_PER_MESSAGE = 3;
const TOKENS_PER_ATTACHMENT = 85;

export interface InputParts {
  readonly messages: readonly unknown[];
  /** Text beside the messages: system, instructions. */
  readonly besides: unknown;
  readonly bodyText: string;
  readonly hasTools: boolean;
}

export function inputTokens(asked: DemoModel, parts: InputParts): number {
  const tools = parts.hasTools ? Buffer.byteLength(memberText(parts.bodyText, 'tools')) : 0;
  const bytes = textBytes(parts.messages) + textBytes(parts.besides) + tools;
  const attached = (attachments(parts.messages) + attachments(parts.besides)) * TOKENS_PER_ATTACHMENT;
  return Math.ceil(bytes / asked.bytesPerToken) + parts.messages.length * TOKENS_PER_MESSAGE + attached;
}

// Every string counts but those that only name the kind of a thing.
const NOT_TEXT = new Set(['role', 'type', 'cache_control']);
const ATTACHMENTS = new Set(['image_url', 'image', 'input_image', 'input_audio']);

function textBytes(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (Array.isArray(value)) return value.reduce((bytes: number, item) => bytes + textBytes(item), 0);
  const object = objectOf(value);
  if (object === null || isAttachment(object)) return 0;
  let bytes = 0;
  for (const [name, member] of Object.entries(object)) {
    if (name === 'input' && object.type === 'tool_use') bytes += Buffer.byteLength(JSON.stringify(member));
    else if (!NOT_TEXT.has(name)) bytes += textBytes(member);
  }
  return bytes;
}

function attachments(value: unknown): number {
  if (Array.isArray(value)) return value.reduce((count: number, item) => count + attachments(item), 0);
  const object = objectOf(value);
  if (object === null) return 0;
  return isAttachment(object) ? 1 : attachments(object.content);
}

function isAttachment(object: JsonObject): boolean {
  return typeof object.type === 'string' && ATTACHMENTS.has(object.type);
}
