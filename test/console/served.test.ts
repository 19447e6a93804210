// How the files of the console are served: nothing but them, what may be kept is kept, and a page can do only what its policy allows.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import express from 'express';
import { consolePages } from '../../api/console.ts';
import { buildConsole } from '../../scripts/parts/console-build.ts';
import { type ManagementApp, startManagementApp } from '../api/routes/management-app.ts';

const CHECKOUT = join(import.meta.dirname, '../..');
const ASKED = { credential: null, headers: { 'accept-encoding': 'identity' } };

let app: ManagementApp;
let script: string;

beforeAll(async () => {
  await buildConsole(CHECKOUT, AbortSignal.timeout(120_000));
  app = await startManagementApp();
  const { text } = await app.call('get', '/console/', ASKED);
  script = /src="(\/console\/assets\/[^"]+\.js)"/.exec(text)?.[1] ?? 'none';
});
afterAll(() => app.close());

test('every address of a page leads to the one page, which nobody keeps', async () => {
  for (const path of ['/console/', '/console/sign-in', '/console/o/0193f000-0000-7000-8000-000000000001/keys']) {
    const { status, headers, text } = await app.call('get', path, ASKED);
    expect([path, status, headers.get('cache-control')]).toEqual([path, 200, 'no-store']);
    expect(text).toContain('<div id="console">');
  }
});

test('whoever types our name alone into a browser is led to the pages, and a program is told where everything is', async () => {
  const led = await app.call('get', '/', { credential: null, headers: { accept: 'text/html,application/xhtml+xml' } });

  expect(led.text).toContain('<div id="console">');
  expect((await app.call('get', '/', { credential: null })).field('api')).toBe('/v1');
});

test('what has a hash in its name is kept for good', async () => {
  const { status, headers } = await app.call('get', script, ASKED);
  expect(status).toBe(200);
  expect(headers.get('content-type')).toBe('text/javascript; charset=utf-8');
  expect(headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
});

test('a file that is not there is not there, and no name leads out of the folder', async () => {
  for (const path of [
    '/console/assets/gone.js',
    '/console/assets/..%2f..%2fpackage.json',
    '/console/.built-from',
    '/console/x.css',
  ]) {
    const { status, text } = await app.call('get', path, ASKED);
    expect([path, text.includes('"private"')]).toEqual([path, false]);
    expect([path, status]).toEqual([path, path === '/console/.built-from' ? 200 : 404]);
  }
});

test('a page loads what is ours, is framed by nobody, and has nothing inline', async () => {
  const { headers, text } = await app.call('get', '/console/', ASKED);
  const policy = headers.get('content-security-policy') ?? '';
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("script-src 'self';");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toMatch(/unsafe|\*|data:|http/);
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('referrer-policy')).toBe('same-origin');
  expect(text).not.toMatch(/<style|style=|<script(?![^>]*\ssrc="\/console\/)/);
});

test('files are only read', async () => {
  const { status, headers } = await app.call('post', '/console/', { ...ASKED, body: {} });
  expect(status).toBe(405);
  expect(headers.get('allow')).toBe('GET, HEAD');
});

test.each(['br', 'gzip'])('a browser gets them compressed as it can read them: %s', async (encoding) => {
  const plain = await app.call('get', script, ASKED);
  const { headers, text } = await app.call('get', script, {
    credential: null,
    headers: { 'accept-encoding': encoding },
  });
  expect(headers.get('content-encoding')).toBe(encoding);
  expect(headers.get('vary')).toBe('accept-encoding');
  expect(text).toBe(plain.text);
});

test('an installation without the console says so, and how to get it', async () => {
  const server = express().use(consolePages(null)).listen(0, '127.0.0.1');
  await once(server, 'listening');

  const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/console/keys`);
  const text = await answer.text();
  server.close();

  expect(answer.status).toBe(503);
  expect(text).toContain('npm run build:console');
});
