// UTF-8 bytes of the text in a prompt: every string that the model reads. Names, ids, types and media in base64 are not
// text; an image of 5 MB would otherwise count as a million tokens.

import { isJsonArray, isJsonObject } from './json-values.ts';

const NOT_TEXT: ReadonlySet<string> = new Set([
  'type',
  'role',
  'id',
  'call_id',
  'tool_call_id',
  'tool_use_id',
  'status',
  'cache_control',
  'url',
  'image_url',
  'detail',
  'data',
  'format',
  'media_type',
  'file_id',
  'file_data',
  'signature',
  'encrypted_content',
]);

export function textBytes(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  let bytes = 0;
  if (isJsonArray(value)) {
    for (const element of value) bytes += textBytes(element);
  } else if (isJsonObject(value)) {
    for (const name in value) if (!NOT_TEXT.has(name)) bytes += textBytes(value[name]);
    // A document given as text keeps it where the others keep base64.
    if (value.type === 'text') bytes += textBytes(value.data);
  }
  return bytes;
}
