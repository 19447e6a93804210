// A prompt, or the input of an embedding: a text, several, the token ids of one, or those of several.
import { isJsonArray, type JsonObject } from './json-values.ts';
import { refuseValue } from './refusal.ts';

// Texts have about four bytes a token in every language model's vocabulary, so that many are counted for a token id.
const BYTES_PER_TOKEN_ID = 4;
const MAX_PROMPTS = 2_048;

export interface Prompts {
  readonly count: number;
  readonly bytes: number;
}

export function promptsOf(values: JsonObject, name: string): Prompts {
  const value = values[name];
  if (typeof value === 'string') return { count: 1, bytes: Buffer.byteLength(value) };
  if (!isJsonArray(value) || value.length === 0) refuseShape(name);
  if (typeof value[0] === 'number') return { count: 1, bytes: promptBytes(value, name) };
  if (value.length > MAX_PROMPTS)
    refuseValue(name, `"${name}" holds more than ${MAX_PROMPTS} texts. Send fewer at once.`);
  return { count: value.length, bytes: value.reduce<number>((sum, prompt) => sum + promptBytes(prompt, name), 0) };
}

function promptBytes(prompt: unknown, name: string): number {
  if (typeof prompt === 'string') return Buffer.byteLength(prompt);
  if (!isJsonArray(prompt) || !prompt.every(Number.isInteger)) refuseShape(name);
  return prompt.length * BYTES_PER_TOKEN_ID;
}

function refuseShape(name: string): never {
  refuseValue(name, `"${name}" must be a text, an array of texts, or token ids as whole numbers.`);
}
