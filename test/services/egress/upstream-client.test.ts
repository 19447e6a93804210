// Our own client for upstreams is as careful as undici, which it replaced: whatever an upstream does to its connection, a request
// gets its own answer, whole, or hears that there is none. What both can do is asked of both.
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, expect, test } from '@jest/globals';
import { until } from '../../support/until.ts';
import { closeAll, closers, FORGED_ANSWER, newEgress, OK, rawUpstream, TRUE_ANSWER } from './raw-upstream.ts';
import { WAYS } from './upstreams.ts';

afterEach(closeAll);

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
