// The values of a request that decide about money or route, checked before anybody acts on them. A number that a provider
// might read otherwise than we do is refused, never repaired (gateways.md T6).
import { isJsonObject, type JsonObject } from './json-values.ts';
import { refuseValue } from './refusal.ts';

// Ten times the largest output that is sold; a client that means "no cap" leaves the member out.
const MAX_OUTPUT_TOKENS = 10_000_000;
const MAX_ANSWERS = 128;
const MAX_MODEL_ID_LENGTH = 256;

// Options that make a provider charge another price than the one that we sell the model at. Unknown ones are refused too:
// a dearer tier appears at a provider long before it appears in our prices.
const SOLD_OPTIONS: Readonly<Record<string, readonly string[]>> = {
  service_tier: ['auto', 'default', 'standard', 'standard_only', 'on_demand', 'flex'],
  speed: ['standard'],
  inference_geo: ['global'],
};

export const PRICED_OPTIONS = Object.keys(SOLD_OPTIONS);

export function modelIdOf(values: JsonObject): string {
  const { model } = values;
  if (typeof model !== 'string' || model === '' || model.length > MAX_MODEL_ID_LENGTH) {
    refuseValue(
      'model',
      `"model" must be a string of 1 to ${MAX_MODEL_ID_LENGTH} characters, an id from GET /v1/models.`,
    );
  }
  return model;
}

export function flagOf(values: JsonObject, name: string, parent = ''): boolean {
  const value = values[name] ?? false;
  if (typeof value !== 'boolean') refuseValue(parent + name, `"${parent}${name}" must be true or false.`);
  return value;
}

/** null: not asked for. */
export function outputCapOf(values: JsonObject, name: string): number | null {
  return wholeNumberOf(values, name, MAX_OUTPUT_TOKENS, 'Leave it out to let the model decide.');
}

export function answersOf(values: JsonObject, name: string): number {
  return wholeNumberOf(values, name, MAX_ANSWERS, 'Leave it out for one answer.') ?? 1;
}

/** Anthropic wants the cap above the thinking budget; where tools interleave, the budget may exceed the cap. */
export function thinkingFloor(values: JsonObject, askedOutputTokens: number | null): number {
  const { thinking } = values;
  if (!isJsonObject(thinking)) return 1;
  const budget = wholeNumberOf(
    thinking,
    'budget_tokens',
    MAX_OUTPUT_TOKENS,
    'Leave it out for no budget.',
    'thinking.',
  );
  return budget === null ? 1 : Math.min(budget + 1, askedOutputTokens ?? budget + 1);
}

export function refuseUnsoldOptions(values: JsonObject): void {
  for (const name in SOLD_OPTIONS) {
    const value = values[name] ?? null;
    const sold = SOLD_OPTIONS[name] ?? [];
    if (value === null || (typeof value === 'string' && sold.includes(value))) continue;
    refuseValue(
      name,
      `This value of "${name}" has a price of its own and is not offered. Leave it out, or send "${sold[0]}".`,
    );
  }
}

function wholeNumberOf(values: JsonObject, name: string, max: number, advice: string, parent = ''): number | null {
  const value = values[name] ?? null;
  if (value === null) return null;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= max) return value;
  refuseValue(parent + name, `"${parent}${name}" must be a whole number from 1 to ${max}. ${advice}`);
}
