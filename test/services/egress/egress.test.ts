// The SSRF guard holds against what happens after the check: redirects, DNS that changes its mind, Host headers, proxies.
import type { LookupAddress } from 'node:dns';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setImmediate as immediate } from 'node:timers/promises';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { Dispatcher } from 'undici';
import { Egress, EgressRefused, type ResolveAll } from '../../../services/platform/egress.ts';
import { upstreamCertificate, upstreamKey } from './upstream-certificate.ts';

const SECRET = 'Bearer sk-upstream-secret';
const LOOPBACK = [{ address: '127.0.0.1', family: 4 }];
const trusted = getCACertificates('default');
const closers: (() => Promise<unknown>)[] = [];

beforeAll(() => setDefaultCACertificates([...trusted, upstreamCertificate]));
afterAll(() => setDefaultCACertificates(trusted));
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface Upstream {
  readonly port: number;
  readonly seen: IncomingHttpHeaders[];
  connections: number;
}

async function upstream(answer: RequestListener = (_, res) => res.end('ok'), tls = false): Promise<Upstream> {
  const seen: IncomingHttpHeaders[] = [];
  const listener: RequestListener = (req, res) => {
    seen.push(req.headers);
    answer(req, res);
  };
  const server: Server = tls
    ? createTlsServer({ key: upstreamKey, cert: upstreamCertificate }, listener)
    : createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const running = { port, seen, connections: 0 };
  server.on('connection', () => {
    running.connections += 1;
  });
  closers.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return running;
}

function newEgress(lookup?: ResolveAll): Egress {
  const egress = new Egress(lookup === undefined ? {} : { lookup });
  closers.push(() => egress.close());
  return egress;
}

async function send(
  pool: Dispatcher,
  options: Partial<Dispatcher.RequestOptions> = {},
): Promise<Dispatcher.ResponseData> {
  const answer = await pool.request({
    path: '/v1/models',
    method: 'GET',
    headers: { authorization: SECRET },
    ...options,
  });
  await answer.body.dump();
  return answer;
}

test('a local model server answers over plain http when the operator allowed local addresses', async () => {
  const { port, seen } = await upstream();
  const { statusCode } = await send(newEgress().pool(`http://127.0.0.1:${port}/v1`, true));
  expect(statusCode).toBe(200);
  expect(seen).toMatchObject([{ host: `127.0.0.1:${port}`, authorization: SECRET }]);
});

test.each([
  ['http://api.example.com/v1', false],
  ['http://127.0.0.1:1/v1', false],
  ['https://127.0.0.1/v1', false],
  ['https://0x7f.1/v1', false],
  ['https://localhost/v1', false],
  ['https://[::ffff:7f00:1]/v1', false],
  ['https://169.254.169.254/latest', true],
  ['http://metadata.google.internal/', true],
  ['http://[fe80::1]/', true],
  ['http://0.0.0.0:8080/', true],
  ['https://user:secret@api.example.com/v1', true],
  ['https://api.example.com/v1?key=secret', false],
  ['https://api.example.com/v1#secret', false],
  ['ftp://127.0.0.1/', true],
  ['file:///etc/passwd', true],
  ['unix:///var/run/docker.sock', true],
  ['api.example.com/v1', true],
  ['', true],
])('the base URL %j (local addresses allowed: %j) is refused before anything is resolved', (baseUrl, allowLocal) => {
  let lookups = 0;
  const egress = newEgress(async () => {
    lookups += 1;
    return LOOPBACK;
  });
  expect(() => egress.pool(baseUrl, allowLocal)).toThrow(EgressRefused);
  expect(lookups).toBe(0);
});

test('a refusal is logged with its reason, without credentials, and carries a code', () => {
  const lines: unknown[] = [];
  const egress = new Egress({ log: { warn: (fields, message) => lines.push({ ...fields, message }) } });
  expect(() => egress.pool('https://user:secret@10.0.0.1/v1', false)).toThrow(
    expect.objectContaining({ code: 'EGRESS_REFUSED' }),
  );
  expect(lines).toEqual([
    { event: 'egress_refused', target: 'a base URL', message: 'a base URL holds no credentials' },
  ]);
});

test.each([
  ['a loopback address', LOOPBACK, false],
  ['a private address', [{ address: '10.1.2.3', family: 4 }], false],
  ['one forbidden address among public ones', [{ address: '8.8.8.8', family: 4 }, ...LOOPBACK], false],
  ['a mapped address', [{ address: '::ffff:127.0.0.1', family: 6 }], false],
  ['the metadata service', [...LOOPBACK, { address: '169.254.169.254', family: 4 }], true],
  ['nonsense', [{ address: 'localhost', family: 4 }], true],
])('a name that resolves to %s is refused without a connection', async (_, addresses: LookupAddress[], allowLocal) => {
  const running = await upstream();
  const scheme = allowLocal ? 'http' : 'https';
  const pool = newEgress(async () => addresses).pool(`${scheme}://upstream.test:${running.port}/v1`, allowLocal);
  await expect(send(pool)).rejects.toThrow(EgressRefused);
  expect(running.connections).toBe(0);
});

test('a name that resolves to nothing is refused', async () => {
  const pool = newEgress(async () => []).pool('https://upstream.test/v1', false);
  await expect(send(pool)).rejects.toThrow(EgressRefused);
});

test('the name of the URL, not the address, is what the upstream is asked for and must prove', async () => {
  const { port, seen } = await upstream(undefined, true);
  const egress = newEgress(async () => LOOPBACK);

  await send(egress.pool(`https://upstream.test:${port}/v1`, true));

  expect(seen).toMatchObject([{ host: `upstream.test:${port}` }]);
  await expect(send(egress.pool(`https://other.test:${port}/v1`, true))).rejects.toThrow(/altnames/);
});

test('a Host header of the request does not choose whose certificate is accepted', async () => {
  const { port, seen } = await upstream(undefined, true);
  const pool = newEgress(async () => LOOPBACK).pool(`https://other.test:${port}/v1`, true);
  await expect(send(pool, { headers: { host: 'upstream.test', authorization: SECRET } })).rejects.toThrow(/altnames/);
  expect(seen).toEqual([]);
});

test('every connection resolves once and uses what was judged: a name that flips to a forbidden address is refused', async () => {
  const running = await upstream((_, res) => res.writeHead(200, { connection: 'close' }).end());
  let lookups = 0;
  const pool = newEgress(async () => {
    lookups += 1;
    return lookups % 2 === 1 ? LOOPBACK : [{ address: '169.254.169.254', family: 4 }];
  }).pool(`http://upstream.test:${running.port}/v1`, true);

  await send(pool);
  await expect(send(pool)).rejects.toThrow(EgressRefused);
  await send(pool);

  expect(lookups).toBe(3);
  expect(running.seen).toHaveLength(2);
});

test('a connection that ends up at another address than was judged is closed before the key is sent', async () => {
  const { port, seen } = await upstream(undefined, true);
  let reads = 0;
  const flipping = {
    family: 4,
    get address() {
      reads += 1;
      return reads === 1 ? '8.8.8.8' : '127.0.0.1';
    },
  };
  const pool = newEgress(async () => [flipping]).pool(`https://upstream.test:${port}/v1`, false);
  await expect(send(pool)).rejects.toThrow(/ended up at 127\.0\.0\.1/);
  expect(seen).toEqual([]);
});

test.each([301, 302, 303, 307, 308])('a %i to another server is handed back, not followed', async (status) => {
  const thief = await upstream();
  const { port } = await upstream((_, res) => {
    res.writeHead(status, { location: `http://127.0.0.1:${thief.port}/steal` }).end();
  });
  const { statusCode } = await send(newEgress().pool(`http://127.0.0.1:${port}/v1`, true), {
    method: 'POST',
    body: '{}',
  });
  expect(statusCode).toBe(status);
  expect(thief.connections).toBe(0);
});

test('a pool never sends a key to another origin, however the request is addressed', async () => {
  const thief = await upstream();
  const { port, seen } = await upstream();
  const pool = newEgress().pool(`http://127.0.0.1:${port}/v1`, true);
  const elsewhere = `http://127.0.0.1:${thief.port}`;

  await send(pool, { path: `${elsewhere}/steal` }).catch(() => {});
  await send(pool, { path: `//127.0.0.1:${thief.port}/steal` }).catch(() => {});
  await send(pool, { headers: { host: `127.0.0.1:${thief.port}`, authorization: SECRET } }).catch(() => {});
  await pool.request({ origin: elsewhere, path: '/steal', method: 'GET', headers: { authorization: SECRET } }).then(
    ({ body }) => body.dump(),
    () => {},
  );

  expect(thief.connections).toBe(0);
  expect(seen.length).toBeGreaterThan(0);
});

test('a proxy named in the environment is not used', async () => {
  const thief = await upstream();
  const { port, seen } = await upstream();
  for (const name of ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY']) process.env[name] = `http://127.0.0.1:${thief.port}`;
  try {
    await send(newEgress().pool(`http://127.0.0.1:${port}/v1`, true));
  } finally {
    for (const name of ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY']) delete process.env[name];
  }
  expect(seen).toHaveLength(1);
  expect(thief.connections).toBe(0);
});

test('an answer with more than 16 KiB of headers is refused', async () => {
  const { port } = await upstream((_, res) => res.writeHead(200, { 'x-filler': 'x'.repeat(17_000) }).end());
  const pool = newEgress().pool(`http://127.0.0.1:${port}/v1`, true);
  await expect(send(pool)).rejects.toThrow(expect.objectContaining({ code: 'UND_ERR_HEADERS_OVERFLOW' }));
});

test('requests that overlap each have a connection of their own, and those are used again', async () => {
  let release = () => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  let waiting = 0;
  const running = await upstream(async (_, res) => {
    waiting += 1;
    if (waiting === 20) release();
    await gate;
    res.end('ok');
  });
  const pool = newEgress().pool(`http://127.0.0.1:${running.port}/v1`, true);

  await Promise.all(Array.from({ length: 20 }, () => send(pool)));
  expect(running.connections).toBe(20);
  await immediate(); // undici frees a connection one turn of the loop after its answer
  await Promise.all(Array.from({ length: 20 }, () => send(pool)));

  expect(running.seen).toHaveLength(40);
  expect(running.connections).toBe(20);
});

test('one pool serves an origin, and what was allowed to be local shares nothing with what was not', () => {
  const egress = newEgress();
  const pool = egress.pool('https://api.example.com/v1', false);
  expect(egress.pool('https://api.example.com/v1', false)).toBe(pool);
  expect(egress.pool('https://API.example.com:443/other', false)).toBe(pool);
  expect(egress.pool('https://api.example.com:8443/v1', false)).not.toBe(pool);
  expect(egress.pool('https://api.example.com/v1', true)).not.toBe(pool);
});

test('closing waits for the request in flight and refuses the next one', async () => {
  let arrived = () => {};
  const arrival = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  let answer = () => {};
  const { port } = await upstream((_, res) => {
    answer = () => res.end('late');
    arrived();
  });
  const egress = new Egress();
  const pool = egress.pool(`http://127.0.0.1:${port}/v1`, true);
  const inFlight = send(pool);
  await arrival;

  const closed = egress.close();
  answer();

  await expect(inFlight).resolves.toMatchObject({ statusCode: 200 });
  await closed;
  await expect(send(pool)).rejects.toThrow();
});
