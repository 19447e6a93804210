// POST /v1/embeddings: unit vectors that depend on their input alone, as numbers or as base64 of 32-bit floats.
import { inputAsked, missing, modelAsked, wholeAsked, withinContext } from './ask.ts';
import type { DemoModel } from './catalogue.ts';
import { draw, sequence } from './chance.ts';
import { answerWhole, type Exchange } from './exchange.ts';
import { type JsonObject, listOf } from './json-body.ts';
import { chatErrors } from './openai-wire.ts';
import { usageMember } from './stated-usage.ts';

const DIMENSIONS = 256;

export async function embeddings(exchange: Exchange): Promise<void> {
  const { body, attemptId, fault } = exchange;
  const asked = modelAsked(body, 'embedding');
  const inputs = embeddedInputs(body);
  const counted = inputs.reduce((sum: number, input) => sum + tokensOf(asked, input), 0);
  const dimensions = wholeAsked(body, ['dimensions'], 4096) ?? DIMENSIONS;
  const plan = { model: asked, input: { ...NO_INPUT, input: withinContext(asked, counted) }, answers: [] };
  return answerWhole(exchange, plan, chatErrors(exchange, 'list'), (usage) => ({
    object: 'list',
    data: fault.empty ? [] : inputs.map((input, index) => embedding(input, index, dimensions, body)),
    model: body.model,
    ...usageMember({ prompt_tokens: usage.input, total_tokens: usage.input }, fault),
    id: `embd-${attemptId}`,
  }));
}

const NO_INPUT = { input: 0, cachedInput: 0, cacheWrite5m: 0, cacheWrite1h: 0 };

/** One text, several texts, or the same in token numbers. */
function embeddedInputs(body: JsonObject): readonly unknown[] {
  const { input } = body;
  if (input === undefined || input === '' || (Array.isArray(input) && input.length === 0)) throw missing('input');
  return typeof input === 'string' || typeof listOf(input)[0] === 'number' ? [input] : listOf(input);
}

function tokensOf(asked: DemoModel, input: unknown): number {
  if (Array.isArray(input)) return input.length;
  return inputAsked(asked, { messages: [], besides: input, bodyText: '', hasTools: false });
}

function embedding(input: unknown, index: number, dimensions: number, body: JsonObject): JsonObject {
  const vector = unitVector(JSON.stringify(input), dimensions);
  const base64 = body.encoding_format === 'base64';
  return {
    object: 'embedding',
    index,
    embedding: base64 ? Buffer.from(vector.buffer).toString('base64') : Array.from(vector),
  };
}

function unitVector(text: string, dimensions: number): Float32Array {
  const next = sequence(draw(text, 'vector'));
  const vector = Float32Array.from({ length: dimensions }, () => next() / 2 ** 31 - 1);
  const norm = Math.hypot(...vector);
  return vector.map((value) => value / norm);
}
