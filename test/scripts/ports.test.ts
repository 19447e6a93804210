// Ports: what the operator named is kept or refused, a default gives way, and launchers at the same moment never collide.
import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { type ReservedPort, reserveDefaultPort, reserveNamedPort } from '../../scripts/parts/ports.ts';

const held: { release(): void }[] = [];
afterEach(() => {
  for (const hold of held.splice(0)) hold.release();
});

/** A port below the range that the kernel gives to outgoing connections, so that the next test run finds it free too. */
async function freePort(): Promise<number> {
  const port = await reserveDefaultPort(21_000);
  port.release();
  return port.number;
}

async function listenOn(port: number, host?: string): Promise<void> {
  const server = createServer();
  server.listen(port, host);
  await once(server, 'listening');
  held.push({ release: () => server.close() });
}

function hold(port: ReservedPort): ReservedPort {
  held.push(port);
  return port;
}

test('a default port that is free is taken without a word', async () => {
  const port = await freePort();
  expect(hold(await reserveDefaultPort(port))).toMatchObject({ number: port, note: null });
});

test.each([
  ['127.0.0.1', '127.0.0.1'],
  ['every address', undefined],
])('a default port that is taken on %s gives way to a free one, and says so', async (_name, host) => {
  const port = await freePort();
  await listenOn(port, host);

  const reserved = hold(await reserveDefaultPort(port));

  expect(reserved.number).not.toBe(port);
  expect(reserved.note).toBe(`port ${port} is taken, using ${reserved.number}`);
  await listenOn(reserved.number, '127.0.0.1');
});

test('launchers that choose at the same moment never get the same port', async () => {
  const port = await freePort();
  const reserved = await Promise.all(Array.from({ length: 8 }, () => reserveDefaultPort(port)));
  for (const one of reserved) hold(one);

  expect(new Set(reserved.map(({ number }) => number)).size).toBe(8);
});

test('a port that the operator named is refused when it is taken, never replaced', async () => {
  const port = await freePort();
  await listenOn(port, '127.0.0.1');

  await expect(reserveNamedPort('PORT', String(port))).rejects.toThrow(`port ${port} (PORT) is taken`);
});

test.each(['http', '0', '65536', '80.5', '-1'])('PORT=%s is refused with what a port is', async (value) => {
  await expect(reserveNamedPort('PORT', value)).rejects.toThrow('whole number from 1 to 65535');
});
