// The SSRF guard holds against what happens after the check: redirects, DNS that changes its mind, Host headers, proxies.
import type { LookupAddress } from 'node:dns';
import type { RequestListener } from 'node:http';
import { setImmediate as immediate } from 'node:timers/promises';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { Egress, EgressRefused, type ResolveAll } from '../../../services/egress/egress.ts';
import { upstreamCertificate } from './upstream-certificate.ts';
import { upstream as startUpstream, type Upstream, WAYS } from './upstreams.ts';

const SECRET = 'Bearer sk-upstream-secret';
const LOOPBACK = [{ address: '127.0.0.1', family: 4 }];
const trusted = getCACertificates('default');
const closers: (() => Promise<unknown>)[] = [];

beforeAll(() => setDefaultCACertificates([...trusted, upstreamCertificate]));
afterAll(() => setDefaultCACertificates(trusted));
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function upstream(answer?: RequestListener, tls = false): Promise<Upstream> {
  const running = await startUpstream(answer, tls);
  closers.push(running.close);
  return running;
}

function newEgress(lookup?: ResolveAll): Egress {
  const egress = new Egress(lookup === undefined ? {} : { lookup });
  closers.push(() => egress.close());
  return egress;
}

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

test('a refusal is logged with its reason, without credentials', () => {
  const lines: unknown[] = [];
  const egress = new Egress({ log: { warn: (fields, message) => lines.push({ ...fields, message }) } });
  expect(() => egress.pool('https://user:secret@10.0.0.1/v1', false)).toThrow(EgressRefused);
  expect(lines).toEqual([
    { event: 'egress_refused', target: 'a base URL', message: 'a base URL holds no credentials' },
  ]);
});

test('one pool serves an origin, and what was allowed to be local shares nothing with what was not', () => {
  const egress = newEgress();
  const pool = egress.pool('https://api.example.com/v1', false);
  expect(egress.pool('https://api.example.com/v1', false)).toBe(pool);
  expect(egress.pool('https://API.example.com:443/other', false)).toBe(pool);
  expect(egress.pool('https://api.example.com:8443/v1', false)).not.toBe(pool);
  expect(egress.pool('https://api.example.com/v1', true)).not.toBe(pool);
});

test('what nobody has asked for in an hour is closed when another origin is opened, and what is in use is not', async () => {
  let nowMs = 0;
  const egress = new Egress({ nowMs: () => nowMs });
  closers.push(() => egress.close());
  const [used, unused] = ['https://used.example.com/v1', 'https://unused.example.com/v1'];
  const before = [egress.pool(used, false), egress.pool(unused, false)];

  nowMs = 3_000_000;
  egress.pool(used, false);
  nowMs = 3_600_001;
  egress.pool('https://third.example.com/v1', false);

  expect(egress.pool(used, false)).toBe(before[0]);
  expect(egress.pool(unused, false)).not.toBe(before[1]);
  expect(before.map((pool) => 'closed' in pool && pool.closed)).toEqual([false, true]);
});

for (const [name, way] of WAYS) {
  test(`${name}: a local model server answers over plain http when the operator allowed local addresses`, async () => {
    const { port, seen } = await upstream();
    const { status } = await way(newEgress(), `http://127.0.0.1:${port}/v1`, true)();
    expect(status).toBe(200);
    expect(seen).toMatchObject([{ host: `127.0.0.1:${port}`, authorization: SECRET }]);
  });

  test.each([
    ['a loopback address', LOOPBACK, false],
    ['a private address', [{ address: '10.1.2.3', family: 4 }], false],
    ['one forbidden address among public ones', [{ address: '8.8.8.8', family: 4 }, ...LOOPBACK], false],
    ['a mapped address', [{ address: '::ffff:127.0.0.1', family: 6 }], false],
    ['the metadata service', [...LOOPBACK, { address: '169.254.169.254', family: 4 }], true],
    ['nonsense', [{ address: 'localhost', family: 4 }], true],
  ])(
    `${name}: a name that resolves to %s is refused without a connection`,
    async (_, addresses: LookupAddress[], allowLocal) => {
      const running = await upstream();
      const scheme = allowLocal ? 'http' : 'https';
      const send = way(
        newEgress(async () => addresses),
        `${scheme}://upstream.test:${running.port}/v1`,
        allowLocal,
      );
      await expect(send()).rejects.toThrow(EgressRefused);
      expect(running.connections).toBe(0);
    },
  );

  test(`${name}: a name that resolves to nothing is refused`, async () => {
    const send = way(
      newEgress(async () => []),
      'https://upstream.test/v1',
      false,
    );
    await expect(send()).rejects.toThrow(EgressRefused);
  });

  test(`${name}: the name of the URL, not the address, is what the upstream is asked for and must prove`, async () => {
    const { port, seen } = await upstream(undefined, true);
    const egress = newEgress(async () => LOOPBACK);

    await way(egress, `https://upstream.test:${port}/v1`, true)();

    expect(seen).toMatchObject([{ host: `upstream.test:${port}` }]);
    await expect(way(egress, `https://other.test:${port}/v1`, true)()).rejects.toThrow(/altnames/);
  });

  test(`${name}: a Host header of the request does not choose whose certificate is accepted`, async () => {
    const { port, seen } = await upstream(undefined, true);
    const send = way(
      newEgress(async () => LOOPBACK),
      `https://other.test:${port}/v1`,
      true,
    );
    await expect(send({ headers: { host: 'upstream.test' } })).rejects.toThrow(/altnames/);
    expect(seen).toEqual([]);
  });

  test(`${name}: every connection resolves once and uses what was judged: a name that flips to a forbidden address is refused`, async () => {
    const running = await upstream((_, res) => res.writeHead(200, { connection: 'close' }).end());
    let lookups = 0;
    const egress = newEgress(async () => {
      lookups += 1;
      return lookups % 2 === 1 ? LOOPBACK : [{ address: '169.254.169.254', family: 4 }];
    });
    const send = way(egress, `http://upstream.test:${running.port}/v1`, true);

    await send();
    await expect(send()).rejects.toThrow(EgressRefused);
    await send();

    expect(lookups).toBe(3);
    expect(running.seen).toHaveLength(2);
  });

  test(`${name}: a connection that ends up at another address than was judged is closed before the key is sent`, async () => {
    const { port, seen } = await upstream(undefined, true);
    let reads = 0;
    const flipping = {
      family: 4,
      get address() {
        reads += 1;
        return reads === 1 ? '8.8.8.8' : '127.0.0.1';
      },
    };
    const send = way(
      newEgress(async () => [flipping]),
      `https://upstream.test:${port}/v1`,
      false,
    );
    await expect(send()).rejects.toThrow(/ended up at 127\.0\.0\.1/);
    expect(seen).toEqual([]);
  });

  test.each([301, 302, 303, 307, 308])(
    `${name}: a %i to another server is handed back, not followed`,
    async (status) => {
      const thief = await upstream();
      const { port } = await upstream((_, res) => {
        res.writeHead(status, { location: `http://127.0.0.1:${thief.port}/steal` }).end();
      });
      const answered = await way(newEgress(), `http://127.0.0.1:${port}/v1`, true)({ body: '{}' });
      expect(answered.status).toBe(status);
      expect(thief.connections).toBe(0);
    },
  );

  test(`${name}: a key never goes to another origin, however the request is addressed`, async () => {
    const thief = await upstream();
    const { port, seen } = await upstream();
    const send = way(newEgress(), `http://127.0.0.1:${port}/v1`, true);
    const elsewhere = `127.0.0.1:${thief.port}`;

    await send({ path: `http://${elsewhere}/steal` }).catch(() => {});
    await send({ path: `//${elsewhere}/steal` }).catch(() => {});
    await send({ headers: { host: elsewhere } }).catch(() => {});

    expect(thief.connections).toBe(0);
    expect(seen.length).toBeGreaterThan(0);
  });

  test(`${name}: a proxy named in the environment is not used`, async () => {
    const thief = await upstream();
    const { port, seen } = await upstream();
    for (const name of ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY']) process.env[name] = `http://127.0.0.1:${thief.port}`;
    try {
      await way(newEgress(), `http://127.0.0.1:${port}/v1`, true)();
    } finally {
      for (const name of ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY']) delete process.env[name];
    }
    expect(seen).toHaveLength(1);
    expect(thief.connections).toBe(0);
  });

  test(`${name}: an answer with more than 16 KiB of headers is refused`, async () => {
    const { port } = await upstream((_, res) => res.writeHead(200, { 'x-filler': 'x'.repeat(17_000) }).end());
    const send = way(newEgress(), `http://127.0.0.1:${port}/v1`, true);
    await expect(send()).rejects.toThrow(/headers/i);
  });

  test(`${name}: requests that overlap each have a connection of their own, and those are used again`, async () => {
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
    const send = way(newEgress(), `http://127.0.0.1:${running.port}/v1`, true);

    await Promise.all(Array.from({ length: 20 }, () => send()));
    expect(running.connections).toBe(20);
    for (let turn = 0; turn < 3; turn += 1) await immediate(); // an answer's connection rests for a turn of the loop or two
    await Promise.all(Array.from({ length: 20 }, () => send()));

    expect(running.seen).toHaveLength(40);
    expect(running.connections).toBe(20);
  });

  test(`${name}: closing waits for the request in flight and refuses the next one`, async () => {
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
    const send = way(egress, `http://127.0.0.1:${port}/v1`, true);
    const inFlight = send();
    await arrival;

    const closed = egress.close();
    answer();

    await expect(inFlight).resolves.toMatchObject({ status: 200 });
    await closed;
    await expect(send()).rejects.toThrow();
  });
}
