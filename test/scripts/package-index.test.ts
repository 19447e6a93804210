// What is downloaded is the pinned file or nothing, from wherever pip would take it on this machine.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, get } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { downloadPinned, type PinnedFile } from '../../scripts/parts/package-index.ts';
import { upstreamCertificate, upstreamKey } from '../services/egress/upstream-certificate.ts';
import { startWheelIndex, type WheelIndex } from './wheel-index.ts';

const CONTENT = Buffer.from('a toll is a fee for passage');
const FILE: PinnedFile = {
  project: 'toll-bin',
  name: 'toll_bin-1.0-py3-none-any.whl',
  sha256: createHash('sha256').update(CONTENT).digest('hex'),
};
const SETTINGS = ['HOME', 'PIP_INDEX_URL', 'HTTP_PROXY', 'http_proxy', 'NO_PROXY', 'no_proxy'] as const;
const callers = Object.fromEntries(SETTINGS.map((name) => [name, process.env[name]]));

let folder: string;
let destination: string;
const running: { close(): Promise<void> }[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tollgate-index-'));
  destination = join(folder, 'downloaded');
  for (const name of SETTINGS) delete process.env[name];
  process.env.HOME = folder;
});
afterEach(async () => {
  for (const server of running.splice(0)) await server.close();
  rmSync(folder, { recursive: true });
  for (const name of SETTINGS) {
    if (callers[name] === undefined) delete process.env[name];
    else process.env[name] = callers[name];
  }
});

async function indexOf(format: 'json' | 'html', content = CONTENT): Promise<WheelIndex> {
  const index = await startWheelIndex(format, { [FILE.name]: content });
  running.push(index);
  return index;
}

function download(file = FILE): Promise<string> {
  return downloadPinned(file, destination, new AbortController().signal);
}

test.each(['json', 'html'] as const)('an index that speaks %s gives the file', async (format) => {
  const { port } = await indexOf(format);
  process.env.PIP_INDEX_URL = `http://127.0.0.1:${port}/simple`;

  const host = await download();

  expect(readFileSync(destination)).toEqual(CONTENT);
  expect(host).toBe(`${format === 'json' ? 'localhost' : '127.0.0.1'}:${port}`);
});

test('a file that is not the pinned one is refused, with both digests', async () => {
  const { port } = await indexOf('json', Buffer.from('something else'));
  process.env.PIP_INDEX_URL = `http://127.0.0.1:${port}/simple/`;

  await expect(download()).rejects.toThrow(
    `localhost:${port} gave a ${FILE.name} of SHA-256 ${createHash('sha256').update('something else').digest('hex')} where ${FILE.sha256} is pinned`,
  );
});

test('an index without the file says so', async () => {
  const { port } = await indexOf('html');
  process.env.PIP_INDEX_URL = `http://127.0.0.1:${port}/simple`;

  await expect(download({ ...FILE, name: 'toll_bin-2.0-py3-none-any.whl' })).rejects.toThrow(
    `127.0.0.1:${port} has no toll_bin-2.0-py3-none-any.whl of toll-bin`,
  );
});

test('an index that nobody serves is named', async () => {
  const { port, close } = await startWheelIndex('json', {});
  await close();
  process.env.PIP_INDEX_URL = `http://127.0.0.1:${port}/simple`;

  await expect(download()).rejects.toThrow(`127.0.0.1:${port}: connect ECONNREFUSED`);
});

test.each(['.config/pip/pip.conf', '.pip/pip.conf'])(
  'the index of ~/%s is asked where the environment names none',
  async (file) => {
    const { port } = await indexOf('json');
    mkdirSync(join(folder, file, '..'), { recursive: true });
    writeFileSync(
      join(folder, file),
      `[install]\nindex-url = http://127.0.0.1:1/wrong\n[global]\ntimeout = 60\nindex-url = http://127.0.0.1:${port}/simple\n`,
    );

    await download();

    expect(readFileSync(destination)).toEqual(CONTENT);
  },
);

test('the password of an index goes to the index, and neither to another host nor into a message', async () => {
  const { port, asked } = await indexOf('json');
  process.env.PIP_INDEX_URL = `http://payer:s%40fe@127.0.0.1:${port}/simple`;

  await download();
  const refusal = await download({ ...FILE, name: 'other.whl' }).catch((error: Error) => error.message);

  const [ofPage, ofFile] = asked;
  expect(ofPage).toBe(`/simple/toll-bin/ Basic ${btoa('payer:s@fe')}`);
  expect(ofFile).toBe(`/files/${FILE.name} nobody`);
  expect(refusal).not.toContain('s@fe');
  expect(refusal).not.toContain('s%40fe');
});

test('where the environment names a proxy, the way out is through it', async () => {
  const { port } = await indexOf('html');
  const passed: string[] = [];
  const proxy = createServer((asked, answer) => {
    const { host, pathname } = new URL(asked.url ?? '');
    passed.push(host);
    get({ port, path: pathname, headers: asked.headers }, (found) => {
      answer.writeHead(found.statusCode ?? 502, found.headers);
      found.pipe(answer);
    });
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  running.push({ close: async () => void proxy.close().closeAllConnections() });
  process.env.HTTP_PROXY = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  process.env.PIP_INDEX_URL = 'http://index.invalid:3141/simple';

  await download();

  expect(readFileSync(destination)).toEqual(CONTENT);
  expect(passed).toEqual(['index.invalid:3141', 'index.invalid:3141']);
});

test('a download that is given up ends', async () => {
  const { port } = await indexOf('json');
  process.env.PIP_INDEX_URL = `http://127.0.0.1:${port}/simple`;

  await expect(downloadPinned(FILE, destination, AbortSignal.abort())).rejects.toThrow('abort');

  expect(existsSync(destination)).toBe(false);
});

test('an index whose certificate only this machine trusts is trusted, also through a proxy', async () => {
  const index = await indexOf('html');
  const tls = createTlsServer({ key: upstreamKey, cert: upstreamCertificate }, (socket) => {
    const plain = connect(index.port, '127.0.0.1', () => socket.pipe(plain).pipe(socket));
    plain.on('error', () => socket.destroy());
    socket.on('error', () => plain.destroy());
  });
  const proxy = createServer().on('connect', (_request, socket: Socket) => {
    const tunnel = connect(portOf(tls), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      socket.pipe(tunnel).pipe(socket);
    });
    for (const end of [socket, tunnel]) end.on('error', () => undefined);
  });
  for (const server of [tls, proxy]) {
    await once(server.listen(0, '127.0.0.1'), 'listening');
    running.push({ close: async () => void server.close() });
  }
  const certificates = join(folder, 'certificates.pem');
  writeFileSync(certificates, upstreamCertificate);
  const program = `
    import { downloadPinned } from '${join(import.meta.dirname, '../../scripts/parts/package-index.ts')}';
    console.log(await downloadPinned(${JSON.stringify(FILE)}, '${destination}', new AbortController().signal));`;
  const env = {
    HOME: folder,
    PIP_INDEX_URL: 'https://upstream.test/simple',
    HTTPS_PROXY: `http://127.0.0.1:${portOf(proxy)}`,
    SSL_CERT_FILE: certificates,
  };
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', program],
    { env },
  );
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece) => said.push(String(piece)));
  await once(child, 'close');

  expect(said.join('')).toBe('upstream.test\n');
  expect(readFileSync(destination)).toEqual(CONTENT);
});

function portOf(server: { address(): unknown }): number {
  return (server.address() as AddressInfo).port;
}
