// What a request asks for, the same for every surface, and the checks that real providers make before they answer.
import { type DemoModel, demoModel } from './catalogue.ts';
import { type InputParts, inputTokens } from './input-count.ts';
import { type JsonObject, listOf, objectOf, textOf } from './json-body.ts';
import type { OutputMeter } from './meter.ts';
import { Refusal } from './refusals.ts';

export interface Ask {
  readonly model: DemoModel;
  readonly inputTokens: number;
  readonly outputCap: number | null;
  readonly answers: number;
  /** Empty: the answer is text. */
  readonly tools: readonly ToolOffer[];
  readonly parallelTools: boolean;
  readonly json: boolean;
  readonly thinks: boolean;
  /** Where the family's usage has no class for reasoning, it is plain output. */
  readonly reasoningMeter: OutputMeter;
  readonly writesCache: boolean;
}

export interface ToolOffer {
  readonly name: string;
  readonly schema: JsonObject;
}

export function modelAsked(body: JsonObject, kind: DemoModel['kind']): DemoModel {
  if (body.model === undefined) throw missing('model');
  const asked = demoModel(textOf(body.model));
  if (asked?.kind !== kind) {
    const message = `The model \`${textOf(body.model)}\` does not exist or you do not have access to it.`;
    throw new Refusal(404, message, 'model_not_found');
  }
  return asked;
}

/** Counted, and refused when it is more than the model can read. */
export function inputAsked(asked: DemoModel, parts: InputParts): number {
  return withinContext(asked, inputTokens(asked, parts));
}

// "prompt is too long: N tokens > M maximum" is what Claude Code reads to compact its conversation.
export function withinContext(asked: DemoModel, counted: number): number {
  if (counted <= asked.contextTokens) return counted;
  const message = `prompt is too long: ${counted} tokens > ${asked.contextTokens} maximum`;
  throw new Refusal(400, message, 'context_length_exceeded', 'messages');
}

export function listAsked(body: JsonObject, param: string): readonly unknown[] {
  const list = listOf(body[param]);
  if (list.length === 0) throw missing(param);
  if (list.some((item) => objectOf(item) === null)) {
    throw new Refusal(400, `Invalid type for '${param}': expected an array of objects.`, 'invalid_type', param);
  }
  return list;
}

/** The first of these members that is there; null: the client set no such number. */
export function wholeAsked(body: JsonObject, params: readonly string[], highest: number): number | null {
  const param = params.find((name) => body[name] !== undefined && body[name] !== null);
  if (param === undefined) return null;
  const value = body[param];
  if (typeof value !== 'number' || !Number.isInteger(value)) {
    throw new Refusal(400, `Invalid type for '${param}': expected an integer.`, 'invalid_type', param);
  }
  if (value < 1 || value > highest) {
    throw new Refusal(400, `Invalid '${param}': must be from 1 to ${highest}, was ${value}.`, 'invalid_value', param);
  }
  return value;
}

export function missing(param: string): Refusal {
  return new Refusal(400, `Missing required parameter: '${param}'.`, 'missing_required_parameter', param);
}

/** The tools that the answer may call: none, when the client forbids it or has just sent the result of one. */
export function toolsAsked(offers: readonly ToolOffer[], choice: unknown, answersTool: boolean): readonly ToolOffer[] {
  const named = objectOf(choice);
  if (choice === 'none' || named?.type === 'none') return [];
  const forced = textOf(named?.name) || textOf(objectOf(named?.function)?.name);
  if (forced !== '') return offers.filter((offer) => offer.name === forced).slice(0, 1);
  const mustCall = choice === 'required' || named?.type === 'any';
  return answersTool && !mustCall ? [] : offers;
}
