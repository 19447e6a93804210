// The hot routes have two entries: their own, before Express, and the first one in Express. Nobody outside can tell which it was.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { newCredential } from '../../../../services/api-keys/credential.ts';
import { type Caller, call } from './caller.ts';
import { chat, messages, PROMPT, PROMPT_TOKENS } from './events.ts';
import { type Gateway, openGateway } from './gateway.ts';
import { type Arrival, type ScriptedUpstream, startScriptedUpstream } from './scripted-upstream.ts';
import { type Customer, closedBooks, newCustomer, receiptOf, sell, sellEmbeddings } from './shop.ts';

let gateway: Gateway;
let upstream: ScriptedUpstream;
let customer: Customer;
let modelId: string;
let embeddingModelId: string;

beforeAll(async () => {
  gateway = await openGateway();
  upstream = await startScriptedUpstream();
  customer = await newCustomer(gateway, 10_000_000_000n);
  ({ modelId } = await sell(gateway, { baseUrl: upstream.baseUrl }));
  ({ modelId: embeddingModelId } = await sellEmbeddings(gateway, { baseUrl: upstream.baseUrl }));
});
afterAll(async () => {
  await closedBooks(gateway, customer);
  await gateway.close();
  await upstream.close();
});

interface Route {
  readonly path: string;
  readonly upstreamPath: string;
  readonly body: object;
  readonly play: (arrival: Arrival) => void;
}

const usage = { prompt_tokens: PROMPT_TOKENS, completion_tokens: 2, total_tokens: 12 };
const choice = { index: 0, finish_reason: 'stop' };
const plain = (body: object) => (arrival: Arrival) => arrival.answer(200, body, { 'x-upstream-secret': 'org-1' });
const streamed =
  (...events: string[]) =>
  (arrival: Arrival) => {
    arrival.open({ 'x-upstream-secret': 'org-1' });
    arrival.send(...events);
    arrival.end();
  };
const event = (type: string, more: object) => `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`;

function routes(): Route[] {
  const asked = { model: modelId };
  const chatBody = chat.request(modelId);
  const messagesBody = messages.request(modelId);
  return [
    {
      ...{ path: '/chat/completions', upstreamPath: '/v1/chat/completions', body: chatBody },
      play: streamed(chat.opening, chat.content('Toll'), chat.finish(PROMPT_TOKENS, 2), chat.end),
    },
    {
      ...{ path: '/chat/completions', upstreamPath: '/v1/chat/completions', body: { ...chatBody, stream: false } },
      play: plain({ choices: [{ ...choice, message: { role: 'assistant', content: 'Toll' } }], usage }),
    },
    {
      ...{ path: '/completions', upstreamPath: '/v1/completions', body: { ...asked, prompt: PROMPT } },
      play: plain({ choices: [{ ...choice, text: 'Toll' }], usage }),
    },
    {
      ...{ path: '/embeddings', upstreamPath: '/v1/embeddings', body: { model: embeddingModelId, input: PROMPT } },
      play: plain({ data: [{ index: 0, embedding: [0.5] }], usage: { prompt_tokens: 10, total_tokens: 10 } }),
    },
    {
      ...{ path: '/responses', upstreamPath: '/v1/responses', body: { ...asked, input: PROMPT, stream: true } },
      play: streamed(
        event('response.output_text.delta', { delta: 'Toll' }),
        event('response.completed', {
          response: {
            status: 'completed',
            output: [],
            usage: { input_tokens: 10, output_tokens: 2, total_tokens: 12 },
          },
        }),
      ),
    },
    {
      ...{ path: '/messages', upstreamPath: '/v1/messages', body: messagesBody },
      play: streamed(messages.opening, messages.content('Toll'), messages.finish(PROMPT_TOKENS, 2), messages.end),
    },
    {
      ...{ path: '/messages/count_tokens', upstreamPath: '/v1/messages/count_tokens' },
      body: { ...asked, messages: [{ role: 'user', content: PROMPT }] },
      play: plain({ input_tokens: PROMPT_TOKENS }),
    },
  ];
}

async function asked(url: string, path: string, body: object, play: Route['play'] | null, key = customer.key) {
  const { answered } = call(url, { path, key, body });
  const arrival = play === null ? null : await upstream.next();
  if (arrival !== null) play?.(arrival);
  const caller = await answered;
  return { caller, ending: await caller.over(), upstreamPath: arrival?.path };
}

/** Everything of an answer but what differs from one request to the next. */
function comparable({ status, headers, text, requestId }: Caller) {
  const { date, 'x-request-id': _, 'request-id': anthropicId, ...rest } = headers;
  const lasting = Object.entries(rest).filter(([name]) => !/ratelimit/.test(name));
  return {
    status,
    text: text.replaceAll(requestId, '<request id>'),
    headers: Object.fromEntries(lasting),
    names: Object.keys(headers).sort(),
    named: [date !== undefined, anthropicId === undefined || anthropicId === requestId],
  };
}

test('each hot route answers the same through both entries, under each prefix that clients are configured with', async () => {
  for (const { path, upstreamPath, body, play } of routes()) {
    const answers: object[] = [];
    for (const url of [gateway.url, gateway.expressUrl]) {
      for (const spelling of [`/v1${path}`, path, `/v1/v1${path}/`, `/api/v1${path}`, `/v1${path}?beta=true`]) {
        const answer = await asked(url, spelling, body, play);
        expect([spelling, answer.ending, answer.upstreamPath]).toEqual([spelling, 'clean', upstreamPath]);
        expect((await receiptOf(gateway, answer.caller.requestId)).outcome).toBe('complete');
        answers.push(comparable(answer.caller));
      }
    }
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(answers[0]).toMatchObject({ status: 200, named: [true, true] });
    expect(JSON.stringify(answers[0])).not.toContain('org-1');
  }
});

test('each hot route refuses the same through both entries', async () => {
  const refusals: [string, (body: object) => object, string | null][] = [
    ['a key that nobody made', (body) => body, newCredential().credential],
    ['a model that is not sold', (body) => ({ ...body, model: 'nothing' }), null],
    ['a body without its question', () => ({ model: modelId }), null],
  ];
  for (const { path, body } of routes()) {
    for (const [, changed, key] of refusals) {
      const ask = (url: string) => asked(url, `/v1${path}`, changed(body), null, key ?? customer.key);
      const [hot, express] = [await ask(gateway.url), await ask(gateway.expressUrl)];
      expect(comparable(express.caller)).toEqual(comparable(hot.caller));
      expect(hot.caller.status).toBeGreaterThanOrEqual(400);
      expect(hot.caller.text).toContain(hot.caller.requestId);
    }
  }
});

test('a stream that breaks ends the same through both entries', async () => {
  const told: object[] = [];
  for (const url of [gateway.url, gateway.expressUrl]) {
    for (const speech of [chat, messages]) {
      const { answered } = call(url, { path: speech.path, key: customer.key, body: speech.request(modelId) });
      const arrival = await upstream.next();
      arrival.send(speech.opening, speech.content('Toll'));
      const caller = await answered;
      await caller.sees('Toll');
      arrival.cut();
      expect(await caller.over()).toBe('broken');
      told.push(comparable(caller));
    }
  }
  expect(told.slice(2)).toEqual(told.slice(0, 2));
});

test('a method that a hot route does not know is refused the same through both entries', async () => {
  const answers = await Promise.all(
    [gateway.url, gateway.expressUrl].map(async (url) => {
      const answer = await fetch(`${url}/v1/chat/completions`, {
        headers: { authorization: `Bearer ${customer.key}` },
      });
      const { error } = (await answer.json()) as { error: { code: string } };
      return [answer.status, error.code, answer.headers.get('allow')];
    }),
  );
  expect(answers[0]).toEqual(answers[1]);
  expect(answers[0]?.[0]).toBe(405);
});
