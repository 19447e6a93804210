// A request for a model: who asks, which fault meets it, and which surface answers.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AccountKeys } from './account-keys.ts';
import { demoModel } from './catalogue.ts';
import { drawBetween } from './chance.ts';
import { chatCompletions } from './chat-completions.ts';
import { completions } from './completions.ts';
import { embeddings } from './embeddings.ts';
import type { Exchange } from './exchange.ts';
import type { Fault } from './fault-grammar.ts';
import { faultOf, type KeyFaults } from './faults.ts';
import { type JsonObject, objectOf } from './json-body.ts';
import { countTokens, messages } from './messages.ts';
import type { Meter } from './meter.ts';
import { modelEntry, modelList } from './models.ts';
import { type Family, faultAnswer, Refusal, type RefusalAnswer, refusalAnswer } from './refusals.ts';
import { readBody } from './request-body.ts';
import { responses } from './responses.ts';
import { Sink } from './sink.ts';
import { wireStyle } from './wire-style.ts';

export interface Upstream {
  readonly meter: Meter;
  readonly keyFaults: KeyFaults;
  readonly accountKeys: AccountKeys;
}

interface Surface {
  readonly family: Family;
  readonly answer: (exchange: Exchange) => Promise<void>;
}

const SURFACES = new Map<string, Surface>([
  ['/v1/chat/completions', { family: 'openai', answer: chatCompletions }],
  ['/v1/completions', { family: 'openai', answer: completions }],
  ['/v1/embeddings', { family: 'openai', answer: embeddings }],
  ['/v1/responses', { family: 'openai', answer: responses }],
  ['/v1/messages', { family: 'anthropic', answer: messages }],
  ['/v1/messages/count_tokens', { family: 'anthropic', answer: countTokens }],
]);

export async function inference(
  upstream: Upstream,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
): Promise<void> {
  const surface = SURFACES.get(path);
  const family = surface?.family ?? familyOf(request);
  const arrival = upstream.meter.arrive();
  try {
    const apiKey = apiKeyOf(request);
    if (!upstream.accountKeys.isTaken(apiKey)) throw new Refusal(401, wrongKey(family, apiKey), 'invalid_api_key');
    if (surface === undefined) return sendJson(response, family, requestId, modelsAt(path, request, family));
    if (request.method !== 'POST') throw new Refusal(404, `Invalid URL (${request.method} ${path})`);
    await answerPost(upstream, surface, apiKey, request, response, requestId);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (!response.headersSent) sendRefusal(response, family, requestId, refusalAnswer(family, error, requestId));
  } finally {
    upstream.meter.leave(arrival);
  }
}

async function answerPost(
  upstream: Upstream,
  { family, answer }: Surface,
  apiKey: string,
  request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
): Promise<void> {
  const bodyText = await readBody(request);
  if (bodyText === null) return;
  const attemptId = attemptIdOf(request);
  const header = headerOf(request, 'x-demo-fault');
  const fault = knownFault(() => faultOf({ attemptId, apiKey, header, bodyText }, upstream.keyFaults));
  const sink = new Sink(response, fault);
  await sink.pause(fault.latencyMs + (fault.jitterMs === 0 ? 0 : drawBetween(attemptId, 'jitter', 0, fault.jitterMs)));
  if (!sink.open) return;
  const headers = answerHeaders(family, requestId);
  if (fault.redirect) {
    const location = `http://${request.headers.host}/_demo/redirected`;
    return sink.sendWhole(307, { ...headers, location }, '');
  }
  const failure = faultAnswer(family, fault, requestId);
  if (failure !== null) return sink.sendWhole(failure.status, { ...headers, ...failure.headers }, failure.body);
  const exchange = { attemptId, requestId, family, headers, bodyText, fault, sink, meter: upstream.meter };
  await answer({ ...exchange, body: parsed(bodyText), style: wireStyle(attemptId) });
}

function familyOf(request: IncomingMessage): Family {
  return request.headers['anthropic-version'] === undefined ? 'openai' : 'anthropic';
}

function apiKeyOf(request: IncomingMessage): string {
  return headerOf(request, 'x-api-key') ?? (request.headers.authorization ?? '').replace(/^bearer +/i, '');
}

function wrongKey(family: Family, apiKey: string): string {
  if (family === 'anthropic') return 'invalid x-api-key';
  if (apiKey === '') return "You didn't provide an API key.";
  const shown = `${apiKey.slice(0, 4)}****${apiKey.slice(-4)}`;
  return `Incorrect API key provided: ${shown}. You can find your API key at https://platform.openai.com/account/api-keys.`;
}

// Printable ASCII: the meter's file counts positions in bytes and in characters alike.
function attemptIdOf(request: IncomingMessage): string {
  const sent = headerOf(request, 'x-tollgate-attempt-id') ?? '';
  return /^[\x21-\x7e]{1,200}$/.test(sent) ? sent : `direct-${randomUUID()}`;
}

function headerOf(request: IncomingMessage, name: string): string | undefined {
  return [request.headers[name]].flat()[0];
}

function knownFault(read: () => Fault): Fault {
  try {
    return read();
  } catch (error) {
    if (error instanceof RangeError) throw new Refusal(400, error.message, 'unknown_demo_fault');
    throw error;
  }
}

function parsed(bodyText: string): JsonObject {
  try {
    const body = objectOf(JSON.parse(bodyText));
    if (body !== null) return body;
  } catch {
    // said below, like a body that is JSON but no object
  }
  throw new Refusal(400, 'We could not parse the JSON body of your request.');
}

function modelsAt(path: string, request: IncomingMessage, family: Family): JsonObject {
  if (request.method === 'GET' && path === '/v1/models') return modelList(family);
  const known = path.startsWith('/v1/models/') ? demoModel(decodeURIComponent(path.slice('/v1/models/'.length))) : null;
  if (request.method === 'GET' && known !== null) return modelEntry(known, family);
  throw new Refusal(404, `Invalid URL (${request.method} ${path})`);
}

function answerHeaders(family: Family, requestId: string): Record<string, string> {
  if (family === 'anthropic') return { 'request-id': requestId, 'anthropic-organization-id': 'org-demo' };
  return {
    'x-request-id': requestId,
    'openai-organization': 'org-demo',
    'openai-version': '2020-10-01',
    'openai-processing-ms': '1',
  };
}

function sendJson(response: ServerResponse, family: Family, requestId: string, body: JsonObject): void {
  const headers = { ...answerHeaders(family, requestId), 'content-type': 'application/json' };
  response.writeHead(200, headers).end(JSON.stringify(body));
}

function sendRefusal(response: ServerResponse, family: Family, requestId: string, refusal: RefusalAnswer): void {
  const headers = { ...answerHeaders(family, requestId), ...refusal.headers };
  response.writeHead(refusal.status, headers).end(refusal.body);
}
