// The bad wire is judged by what it promises: late, in order, complete; silent while paused; and late also for what was sent before
// its sender hung up, because that is how a zombie commit reaches a database.
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openSlowLink, type SlowLink } from './slow-link.ts';

const HOUR_MS = 3_600_000;

let server: Server;
let link: SlowLink;
let arrived: string;
let onArrival: () => void;

beforeEach(async () => {
  arrived = '';
  onArrival = () => undefined;
  server = createServer((socket) => {
    socket.setEncoding('utf8').on('data', (text: string) => {
      arrived += text;
      onArrival();
    });
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  link = await openSlowLink({ host: '127.0.0.1', port: address.port });
});
afterEach(async () => {
  await link.close();
  await new Promise((resolve) => server.close(resolve));
});

test('what is sent over a slow link arrives whole and in order, after the delay or when the link is good again', async () => {
  link.become({ kind: 'slow', leastMs: 20, mostMs: 30, dice: () => 0 });
  const socket = await connected();
  socket.write('one ');
  socket.write('two ');
  await arrivalOf('one two ');

  link.become({ kind: 'slow', leastMs: HOUR_MS, mostMs: HOUR_MS, dice: () => 0 });
  socket.write('three ');
  socket.write('four');
  link.become({ kind: 'good' });
  await arrivalOf('one two three four');
});

test('nothing passes a paused link, and all of it once the pause is over', async () => {
  const socket = await connected();
  socket.write('before ');
  await arrivalOf('before ');
  link.become({ kind: 'paused' });
  socket.write('during');
  const probe = await connected();
  probe.write('nothing');
  expect(arrived).toBe('before ');

  link.become({ kind: 'good' });
  await arrivalOf('during');
  await arrivalOf('nothing');
});

test('what a client sent before it hung up still arrives, late', async () => {
  link.become({ kind: 'slow', leastMs: 40, mostMs: 50, dice: () => 0 });
  const socket = await connected();
  socket.end('commit');
  await once(socket, 'finish');
  socket.destroy();
  await arrivalOf('commit');
});

async function connected(): Promise<Socket> {
  const socket = connect(link.port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

function arrivalOf(text: string): Promise<void> {
  return new Promise((resolve) => {
    onArrival = () => {
      if (arrived.includes(text)) resolve();
    };
    onArrival();
  });
}
