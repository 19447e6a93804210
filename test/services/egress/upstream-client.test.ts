// Our own client for upstreams is as careful as undici, which it replaced: whatever an upstream does to its connection, a request
// gets its own answer, whole, or hears that there is none. What both can do is asked of both.
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, expect, test } from '@jest/globals';
import { Egress } from '../../../services/egress/egress.ts';
import type { AnswerListener } from '../../../services/egress/upstream-connection.ts';
import { until } from '../../support/until.ts';
import { WAYS } from './upstreams.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Gets a connection, how many came before it, and all that its client has sent when a request's head is there. */
type Script = (socket: Socket, before: number, request: string) => unknown;

interface RawUpstream {
  readonly url: string;
  readonly connections: readonly Socket[];
}

async function rawUpstream(script: Script): Promise<RawUpstream> {
  const connections: Socket[] = [];
  const server: Server = createServer((socket) => {
    const before = connections.push(socket) - 1;
    let request = '';
    socket.on('error', () => undefined); // clients that give up reset it
    socket.on('data', (bytes) => {
      request += bytes.toString('latin1');
      if (!request.includes('\r\n\r\n')) return;
      script(socket, before, request);
      request = '';
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(async () => {
    for (const socket of connections) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as { port: number };
  return { url: `http://127.0.0.1:${port}/v1`, connections };
}

function newEgress(): Egress {
  const egress = new Egress();
  closers.push(() => egress.close());
  return egress;
}

const OK = 'HTTP/1.1 200 OK\r\n';
const TRUE_ANSWER = `${OK}content-length: 4\r\n\r\ntrue`;
const FORGED_ANSWER = `${OK}content-length: 6\r\n\r\nforged`;

for (const [name, way] of WAYS) {
  test(`${name}: an answer that comes byte by byte is whole`, async () => {
    const { url } = await rawUpstream(async (socket) => {
      socket.setNoDelay(true);
      for (const byte of `${OK}transfer-encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n`) {
        socket.write(byte);
        await wait(1);
      }
    });
    expect(await way(newEgress(), url, true)()).toEqual({ status: 200, body: 'onetwo' });
  });

  test.each([
    ['nothing', ''],
    ['half a head', `${OK}content-le`],
    ['half a body', `${OK}content-length: 10\r\n\r\nhello`],
    ['half a chunk', `${OK}transfer-encoding: chunked\r\n\r\na\r\nhello`],
    ['chunks without their last', `${OK}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n`],
    ['garbage', 'SSH-2.0-OpenSSH_9.6\r\n\r\n'],
  ])(`${name}: an upstream that says %s and closes has not answered`, async (_, said) => {
    const { url } = await rawUpstream((socket) => socket.end(said));
    await expect(way(newEgress(), url, true)()).rejects.toThrow();
  });

  test(`${name}: a connection that is reset within an answer is no end of it`, async () => {
    const { url } = await rawUpstream((socket) => {
      socket.write(`${OK}content-length: 10\r\n\r\nhello`, () => socket.resetAndDestroy());
    });
    await expect(way(newEgress(), url, true)()).rejects.toThrow();
  });

  test(`${name}: a body without a stated length ends with its connection`, async () => {
    const { url } = await rawUpstream((socket) => socket.end(`${OK}connection: close\r\n\r\nall of it`));
    expect(await way(newEgress(), url, true)()).toEqual({ status: 200, body: 'all of it' });
  });

  test.each([
    ['with it', 0],
    ['right after it', 1],
    ['when its connection rests', 30],
  ])(`${name}: what an upstream sends beyond its answer, %s, is nobody's answer`, async (_, laterMs) => {
    const { url } = await rawUpstream(async (socket, before) => {
      if (before > 0) return socket.write(TRUE_ANSWER);
      if (laterMs === 0) return socket.write(TRUE_ANSWER + FORGED_ANSWER);
      socket.write(TRUE_ANSWER);
      await wait(laterMs);
      return socket.write(FORGED_ANSWER);
    });
    const send = way(newEgress(), url, true);

    const first = await send();
    await wait(laterMs * 3);
    const second = await send();

    expect([first.body, second.body]).toEqual(['true', 'true']);
  });

  test(`${name}: a connection that its upstream closed while it rested is not used again`, async () => {
    const upstream = await rawUpstream((socket) => {
      socket.write(TRUE_ANSWER);
      setTimeout(() => socket.end(), 10);
    });
    const send = way(newEgress(), upstream.url, true);
    await send();
    await until(async () => upstream.connections[0]?.closed === true);

    expect((await send()).body).toBe('true');
    expect(upstream.connections).toHaveLength(2);
  });

  test(`${name}: a request of many megabytes arrives as it was sent`, async () => {
    const prompt = Buffer.alloc(5_000_000, 'prompt ');
    let arrived = '';
    const server = createServer((socket) => {
      socket.on('data', (bytes) => {
        arrived += bytes.toString('latin1');
        if (arrived.length > prompt.length && arrived.endsWith(prompt.subarray(-100).toString()))
          socket.end(TRUE_ANSWER);
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    closers.push(() => new Promise((resolve) => server.close(resolve)));
    const { port } = server.address() as { port: number };

    await way(newEgress(), `http://127.0.0.1:${port}/v1`, true)({ body: prompt });

    const [head = '', body] = arrived.split('\r\n\r\n');
    expect(head.toLowerCase()).toContain(`content-length: ${prompt.length}`);
    expect(body === prompt.toString()).toBe(true);
  });
}

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

test('a connection rests no longer than its upstream keeps it', async () => {
  const { url, connections } = await rawUpstream((socket) =>
    socket.write(`${OK}keep-alive: timeout=2, max=100\r\ncontent-length: 4\r\n\r\ntrue`),
  );
  const listener = newListener();
  newEgress().upstream(url, true).post(REQUEST, listener);
  await until(async () => listener.heard.includes('ended'));

  await until(async () => connections[0]?.closed === true);
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
