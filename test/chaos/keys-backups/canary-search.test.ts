// The search at the end of a campaign finds a secret in every shape in which it may have been written, says whose it is and where, and never what it is; and it knows
// where it cannot see.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { Canaries } from './canaries.ts';
import { searchCanaries } from './canary-search.ts';
import { KEY_VICTIMS, roundsOf } from './keys-havoc.ts';

const SECRET = 'demo-issued-0123456789abcdef';
const folder = mkdtempSync(join(tmpdir(), 'canary-search-'));
afterAll(() => rmSync(folder, { recursive: true }));

const canaries = new Canaries();
canaries.add('channel key', SECRET);
canaries.add('channel key', 'demo-issued-that-is-nowhere');

function written(name: string, text: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const search = (path: string, known: string | null = null) =>
  searchCanaries([{ what: 'a log', path, known }], canaries, join(folder, 'words'));

test.each([
  ['as it is', `{"authorization":"Bearer ${SECRET}"}`],
  ['in base64', `data:${Buffer.from(SECRET).toString('base64')};`],
  ['in base64 within something longer', Buffer.from(`{"k":"${SECRET}"}`).toString('base64')],
  ['in base64 of addresses within something longer', Buffer.from(`user:${SECRET}@host`).toString('base64url')],
  ['in hex, as PostgreSQL shows bytes', `(1,"\\\\x${Buffer.from(SECRET).toString('hex')}")`],
  ['between bytes that are no text', Buffer.concat([Buffer.from([0, 255, 10]), Buffer.from(SECRET), Buffer.from([0])])],
])('a secret is found %s', async (_, text) => {
  const { findings } = await search(written('found', text));

  expect(findings).toEqual(['channel key 1 stands in a log']);
});

test('where no secret stands none is found, and a place in which nothing can be found is named', async () => {
  const path = written('clean', 'a line of a log');

  expect(await search(path, 'a line')).toEqual({ findings: [], blind: [], places: 1 });
  expect((await search(path, 'another line')).blind).toEqual(['a log']);
  expect((await search(join(folder, 'not there'), 'a line')).blind).toEqual(['a log']);
});

test('every kill that was ordered falls in some round, each part as often as the others', () => {
  const falls = roundsOf(60, 5).flatMap(({ gentle, rough }) => [...gentle, ...rough]);

  expect(KEY_VICTIMS.map((victim) => falls.filter((one) => one === victim).length)).toEqual([10, 10, 10, 10, 10, 10]);
  expect(roundsOf(7, 1)[0]?.gentle).toEqual(['temporal', 'temporal', 'postgres', 'objects', 'demo']);
  expect(roundsOf(6, 1)[0]?.rough).toEqual(['worker', 'gateway']);
});
