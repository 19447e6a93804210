// What a provider says went wrong, made fit for a customer: its message and structured names where the body has a known
// shape, a neutral sentence otherwise. Nothing that could be a credential, an address or our account's id gets through,
// and every string is bounded: these texts end up in answers, logs and Postgres.
import { UNREADABLE_ANSWER } from '../../../domain/failures.ts';
import type { UpstreamError } from '../dialect.ts';
import { isJsonArray, isJsonObject, type JsonObject, parseJson } from './json-values.ts';

// Real error bodies are below 4 KB; what is larger is a page of HTML.
const MAX_BODY_BYTES = 65_536;
const MAX_MESSAGE_LENGTH = 1_000;
const NAME = /^[\w.:[\]-]{1,100}$/;

const SECRETS = new RegExp(
  [
    String.raw`\bbearer\s+[^\s"',]+`,
    String.raw`\b(?:sk|gsk|xai|pplx|hf|r8)[-_][A-Za-z0-9*._~=+/-]{6,}`,
    String.raw`\b(?:AIza|AKIA|eyJ)[A-Za-z0-9*._~=+/-]{8,}`,
    String.raw`\bdemo-[^\s"',~]*~[^\s"',]*`,
    String.raw`\b(?:org|proj)[-_][A-Za-z0-9]{6,}`,
  ].join('|'),
  'gi',
);
const ADDRESSES = /\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s"'<>)]+|\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b/gi;
// Control characters but tab and line feed; U+0000 would fail a whole insert in Postgres.
const CONTROLS = /[^\P{Cc}\t\n]/gu;

export function errorFromBody(status: number, body: Buffer): UpstreamError {
  return errorFromValue(status, body.length > MAX_BODY_BYTES ? null : parseJson(body.toString()));
}

export function errorFromValue(status: number, value: unknown): UpstreamError {
  const outer = isJsonArray(value) ? value[0] : value;
  const error = isJsonObject(outer) ? describing(outer) : {};
  return {
    status,
    type: nameOf(error.type),
    code: nameOf(error.code),
    param: nameOf(error.param),
    message: messageOf(error.message) ?? neutral(status),
  };
}

/** A 2xx answer that is no answer. */
export function unreadableAnswer(): UpstreamError {
  return {
    status: 200,
    type: null,
    code: UNREADABLE_ANSWER,
    param: null,
    message: 'The provider sent something that is not an answer.',
  };
}

/** {"error":{...}} of both families, {"error":"..."}, vLLM's flat object, FastAPI's {"detail":"..."}. */
function describing(outer: JsonObject): JsonObject {
  if (isJsonObject(outer.error)) return outer.error;
  if (typeof outer.error === 'string') return { message: outer.error };
  return typeof outer.message === 'string' ? outer : { message: outer.detail };
}

function neutral(status: number): string {
  return status >= 400 ? `The provider refused the request with status ${status}.` : 'The provider reported an error.';
}

function nameOf(value: unknown): string | null {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && NAME.test(value) && value.replace(SECRETS, '') === value ? value : null;
}

function messageOf(value: unknown): string | null {
  if (typeof value !== 'string') return null;
  const scrubbed = value
    .slice(0, 2 * MAX_MESSAGE_LENGTH)
    .replace(SECRETS, '[redacted]')
    .replace(ADDRESSES, '[address]')
    .replace(CONTROLS, ' ')
    .slice(0, MAX_MESSAGE_LENGTH)
    .toWellFormed()
    .trim();
  return scrubbed === '' ? null : scrubbed;
}
