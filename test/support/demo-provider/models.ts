// GET /v1/models and /v1/models/{id}, in the shape of the family that asks.
import { DEMO_MODELS, type DemoModel } from './catalogue.ts';
import type { JsonObject } from './json-body.ts';
import type { Family } from './refusals.ts';

const CREATED_AT = '2026-01-01T00:00:00Z';

export function modelList(family: Family): JsonObject {
  const data = DEMO_MODELS.map((sold) => modelEntry(sold, family));
  if (family === 'openai') return { object: 'list', data };
  return { data, has_more: false, first_id: DEMO_MODELS[0]?.id ?? null, last_id: DEMO_MODELS.at(-1)?.id ?? null };
}

export function modelEntry({ id, displayName, contextTokens, maxOutputTokens }: DemoModel, family: Family): JsonObject {
  if (family === 'openai') return { id, object: 'model', created: Date.parse(CREATED_AT) / 1000, owned_by: 'demo' };
  return {
    type: 'model',
    id,
    display_name: displayName,
    created_at: CREATED_AT,
    max_input_tokens: contextTokens,
    max_tokens: maxOutputTokens,
  };
}
