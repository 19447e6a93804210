// What only our own client promises: who holds a connection and for how long, what is known of a request that failed, and that
// nothing of one customer's request is left in the next one's.
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, expect, test } from '@jest/globals';
import type { AnswerListener } from '../../../services/egress/upstream-connection.ts';
import { until } from '../../support/until.ts';
import { closeAll, FORGED_ANSWER, newEgress, OK, rawUpstream, TRUE_ANSWER } from './raw-upstream.ts';

afterEach(closeAll);

/** Writes down what it hears. */
function newListener(): AnswerListener & { readonly heard: string[] } {
  const heard: string[] = [];
  return {
    heard,
    answerBegan: (status) => heard.push(String(status)),
    answerData: (bytes) => heard.push(bytes.toString()),
    answerEnded: () => heard.push('ended'),
    answerFailed: (_error, isNeverSent) => heard.push(isNeverSent ? 'never sent' : 'failed'),
  };
}

const REQUEST = { path: '/v1/chat', headers: ['x-question', '1'], body: Buffer.from('{}') };

test('who reaches nobody knows that nothing was sent; who was cut off does not', async () => {
  const { url } = await rawUpstream((socket) => socket.destroy());
  const [unreachable, cutOff] = [newListener(), newListener()];
  const egress = newEgress();

  egress.upstream('http://127.0.0.1:9/v1', true).post(REQUEST, unreachable);
  egress.upstream(url, true).post(REQUEST, cutOff);

  await until(async () => unreachable.heard.length + cutOff.heard.length === 2);
  expect([unreachable.heard, cutOff.heard]).toEqual([['never sent'], ['failed']]);
});

test('an abort ends the connection, and nothing is heard of it', async () => {
  const upstream = await rawUpstream((socket) => socket.write(`${OK}content-length: 10\r\n\r\nhello`));
  const listener = newListener();
  const connection = newEgress().upstream(upstream.url, true).post(REQUEST, listener);
  await until(async () => listener.heard.includes('hello'));

  connection.abort(listener);

  await until(async () => upstream.connections[0]?.closed === true);
  expect(listener.heard).toEqual(['200', 'hello']);
});

test('a request that is aborted before there is a connection is never sent', async () => {
  const seen: string[] = [];
  const upstream = await rawUpstream((_socket, _before, request) => seen.push(request));
  const listener = newListener();
  const origin = newEgress().upstream(upstream.url, true);

  origin.post(REQUEST, listener).abort(listener);
  await wait(50);

  expect([seen, listener.heard]).toEqual([[], []]);
});

test('a paused answer stands still, and goes on where it stood', async () => {
  const { url } = await rawUpstream(async (socket) => {
    socket.write(`${OK}content-length: 6\r\n\r\none`);
    await wait(50);
    socket.write('two');
  });
  const listener = newListener();
  const connection = newEgress().upstream(url, true).post(REQUEST, listener);
  await until(async () => listener.heard.includes('one'));

  connection.pause(listener);
  await wait(150);
  expect(listener.heard).toEqual(['200', 'one']);
  connection.resume(listener);

  await until(async () => listener.heard.includes('ended'));
  expect(listener.heard).toEqual(['200', 'one', 'two', 'ended']);
});

test('whose answer is over has no hold on the connection any more, also where he had paused it', async () => {
  const upstream = await rawUpstream((socket) => socket.write(TRUE_ANSWER));
  const origin = newEgress().upstream(upstream.url, true);
  const first = newListener();
  const pausing = { ...first, answerData: () => connection.pause(pausing) };
  const connection = origin.post(REQUEST, pausing);
  await until(async () => first.heard.includes('ended'));
  await wait(20);

  const second = newListener();
  const again = origin.post(REQUEST, second);
  connection.pause(pausing);
  connection.abort(pausing);

  await until(async () => second.heard.includes('ended'));
  expect(again).toBe(connection);
  expect(upstream.connections).toHaveLength(1);
});

test('an upstream that answers before it has read the request gets no other one on that connection', async () => {
  const upstream = await rawUpstream((socket, before) => {
    if (before === 0) socket.pause();
    socket.write(TRUE_ANSWER);
  });
  const origin = newEgress().upstream(upstream.url, true);
  const [first, second] = [newListener(), newListener()];
  origin.post({ ...REQUEST, body: Buffer.alloc(20_000_000) }, first);
  await until(async () => first.heard.includes('ended'));
  await wait(20);

  origin.post(REQUEST, second);

  await until(async () => second.heard.includes('ended'));
  expect(upstream.connections).toHaveLength(2);
});

test('a connection that its upstream is about to close is not taken, and is closed', async () => {
  const keptFor = (seconds: number) =>
    rawUpstream((socket) =>
      socket.write(`${OK}keep-alive: timeout=${seconds}, max=100\r\ncontent-length: 4\r\n\r\ntrue`),
    );
  const [briefly, longer] = [await keptFor(1), await keptFor(60)];
  const egress = newEgress();
  const ask = async (url: string) => {
    const listener = newListener();
    egress.upstream(url, true).post(REQUEST, listener);
    await until(async () => listener.heard.includes('ended'));
  };

  for (const { url } of [briefly, longer]) for (let time = 0; time < 2; time += 1) await ask(url);

  expect([briefly.connections.length, longer.connections.length]).toEqual([2, 1]);
  await until(async () => briefly.connections.every(({ closed }) => closed));
});

test("an answer that waited when its connection was taken again is nobody's: the request goes over a new one", async () => {
  const upstream = await rawUpstream((socket, before) => {
    socket.write(TRUE_ANSWER);
    if (before === 0) setImmediate(() => socket.write(FORGED_ANSWER));
  });
  const origin = newEgress().upstream(upstream.url, true);
  const [first, second] = [newListener(), newListener()];

  origin.post(REQUEST, { ...first, answerEnded: () => void origin.post(REQUEST, second) });

  await until(async () => second.heard.length === 3);
  expect(second.heard).toEqual(['200', 'true', 'ended']);
  expect(upstream.connections).toHaveLength(2);
});

test('an origin closes at once when nothing is under way, also right after an answer', async () => {
  const { url } = await rawUpstream((socket) => socket.write(TRUE_ANSWER));
  const origin = newEgress().upstream(url, true);
  const listener = newListener();

  await new Promise<void>((resolve) => {
    origin.post(REQUEST, { ...listener, answerEnded: () => void origin.close().then(resolve) });
  });

  expect(() => origin.post(REQUEST, listener)).toThrow();
});

test('who never gets through the handshake is given up after five seconds, and nothing was sent', async () => {
  const { url } = await rawUpstream(() => undefined);
  const listener = newListener();

  newEgress().upstream(url.replace('http:', 'https:'), true).post(REQUEST, listener);

  await until(async () => listener.heard.length > 0);
  expect(listener.heard).toEqual(['never sent']);
});

test.each([
  ['a path with a space', { ...REQUEST, path: '/v1/chat HTTP/1.1\r\nx: y' }],
  ['a header with a line feed', { ...REQUEST, headers: ['x-question', 'a\r\nx-forged: b'] }],
  ['a header whose last byte would be a line feed', { ...REQUEST, headers: ['x-question', '\u010a'] }],
])('%s is not sent', async (_, request) => {
  const upstream = await rawUpstream((socket) => socket.write(TRUE_ANSWER));
  const origin = newEgress().upstream(upstream.url, true);

  expect(() => origin.post(request, newListener())).toThrow(TypeError);
  expect(upstream.connections).toHaveLength(0);
});

test.each(['answerBegan', 'answerData', 'answerEnded'] as const)(
  'a listener that breaks in %s hears of it',
  async (part) => {
    const { url } = await rawUpstream((socket) => socket.write(TRUE_ANSWER));
    const origin = newEgress().upstream(url, true);
    const [listener, next] = [newListener(), newListener()];
    const breaks = () => {
      throw new Error('too much');
    };
    origin.post(REQUEST, { ...listener, [part]: breaks });
    await until(async () => listener.heard.includes('failed'));

    origin.post(REQUEST, next);

    await until(async () => next.heard.includes('ended'));
    expect(next.heard).toEqual(['200', 'true', 'ended']);
  },
);
