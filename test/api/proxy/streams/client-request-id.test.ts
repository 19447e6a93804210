// What a client calls its request comes back with every answer, refusals with it, and with nothing that could harm a head.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { chat } from './events.ts';
import { type Gateway, openGateway } from './gateway.ts';
import { type ScriptedUpstream, startScriptedUpstream } from './scripted-upstream.ts';
import { newCustomer, sell } from './shop.ts';

let gateway: Gateway;
let upstream: ScriptedUpstream;
beforeAll(async () => {
  gateway = await openGateway();
  upstream = await startScriptedUpstream();
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

test('an answer, a refusal and a read carry the name that the client gave; what is no name is left out', async () => {
  const { modelId } = await sell(gateway, { baseUrl: upstream.baseUrl });
  const { key } = await newCustomer(gateway, 10n ** 9n);
  const ask = (path: string, body: object | null, named: string) =>
    fetch(gateway.url + path, {
      method: body === null ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'x-client-request-id': named },
      ...(body === null ? {} : { body: JSON.stringify(body) }),
    });
  const nameOf = ({ headers }: Response) => headers.get('x-client-request-id');

  const streamed = ask(chat.path, chat.request(modelId), 'turn-7');
  const arrival = await upstream.next();
  arrival.send(chat.opening, chat.content('hi'), chat.finish(10, 1), chat.end);
  arrival.end();

  expect(nameOf(await streamed)).toBe('turn-7');
  expect(arrival.headers['x-client-request-id']).toBeUndefined();
  expect(nameOf(await ask(chat.path, chat.request('nobody'), 'turn-8'))).toBe('turn-8');
  expect(nameOf(await ask('/v1/key', null, 'turn-9'))).toBe('turn-9');
  for (const no of ['x'.repeat(513), 'caf\u00e9']) expect(nameOf(await ask('/v1/key', null, no))).toBeNull();
  await (await streamed).text();
});
