// Plain answers of every format, byte for byte: white space, escapes, numbers that JavaScript would round and members that nobody
// here knows go to the client as they came, and the usage among them is what is charged.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { call } from './caller.ts';
import { type Gateway, openGateway } from './gateway.ts';
import { type ScriptedUpstream, startScriptedUpstream } from './scripted-upstream.ts';
import { type Customer, charge, closedBooks, newCustomer, receiptOf, sell, sellEmbeddings } from './shop.ts';

let gateway: Gateway;
let upstream: ScriptedUpstream;
let customer: Customer;
let chatModel: string;
let embeddingModel: string;

beforeAll(async () => {
  gateway = await openGateway();
  upstream = await startScriptedUpstream();
  customer = await newCustomer(gateway, 10_000_000_000n);
  ({ modelId: chatModel } = await sell(gateway, { baseUrl: upstream.baseUrl }));
  ({ modelId: embeddingModel } = await sellEmbeddings(gateway, { baseUrl: upstream.baseUrl }));
});
afterAll(async () => {
  await closedBooks(gateway, customer);
  await gateway.close();
  await upstream.close();
});

const ODD =
  '"unknown" : {"seed":12345678901234567890,"ratio":1.10,"e":1E+2,"text":"\\u0047r\\u00fc\\u00dfe 船 \\/ 🚢"}';

interface Golden {
  readonly path: string;
  readonly request: () => object;
  readonly answer: string;
}

const ANSWERS: readonly (readonly [string, Golden])[] = [
  [
    'chat',
    {
      path: '/v1/chat/completions',
      request: () => ({ model: chatModel, messages: [{ role: 'user', content: 'hi' }] }),
      answer: `{ "choices":[ {"index":0,"message":{"role":"assistant","content":"Gr\\u00fc\\u00dfe 船\\n"},"finish_reason":"stop"} ],\n ${ODD},"usage":{"prompt_tokens": 11,"completion_tokens": 7,"total_tokens":18} }\n`,
    },
  ],
  [
    'completions',
    {
      path: '/v1/completions',
      request: () => ({ model: chatModel, prompt: 'hi' }),
      answer: `{"usage":{"completion_tokens":7,"prompt_tokens":11},${ODD},"choices":[{"text":"\\tToll \\"gate\\"","index":0,"finish_reason":"stop"}]}`,
    },
  ],
  [
    'embeddings',
    {
      path: '/v1/embeddings',
      request: () => ({ model: embeddingModel, input: ['hi', 'ho'] }),
      answer: `{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.0023064255,-0.009327292,1e-10,-0.0]}],${ODD},"usage":{"prompt_tokens":11,"total_tokens":11}}`,
    },
  ],
  [
    'responses',
    {
      path: '/v1/responses',
      request: () => ({ model: chatModel, input: 'hi' }),
      answer: `{\r\n"status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":"Toll"}]}],${ODD},"usage":{"input_tokens":11,"output_tokens":7,"total_tokens":18}}\r\n`,
    },
  ],
  [
    'messages',
    {
      path: '/v1/messages',
      request: () => ({ model: chatModel, max_tokens: 99, messages: [{ role: 'user', content: 'hi' }] }),
      answer: `{"type":"message","role":"assistant",${ODD},"content":[{"type":"text","text":"Toll"}],"stop_reason":"end_turn","usage":{"input_tokens":11,"output_tokens":7}}`,
    },
  ],
];

test.each(ANSWERS)(
  '%s: the client gets the bytes that the upstream sent, and is charged for their usage',
  async (name, golden) => {
    const bytes = Buffer.from(golden.answer);
    const { answered } = call(gateway.url, { path: golden.path, key: customer.key, body: golden.request() });
    const { response } = await upstream.next();
    response.writeHead(200, { 'content-type': 'application/json' });
    for (let at = 0; at < bytes.length; at += 37) response.write(bytes.subarray(at, at + 37));
    response.end();

    const caller = await answered;
    expect(await caller.over()).toBe('clean');
    expect(Buffer.from(caller.text, 'latin1').equals(bytes)).toBe(true);
    const outputTokens = name === 'embeddings' ? 0 : 7;
    expect(await receiptOf(gateway, caller.requestId)).toMatchObject({
      ...{ outcome: 'complete', source: 'provider', charge: charge(11, outputTokens) },
    });
  },
);
