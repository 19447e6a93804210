// Whoever writes an application is told truly whether it is saved: also when he takes back what he wrote, before it was saved or while it is.

import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { FIELD } from '../../console/src/application-entries.ts';
import { until } from '../support/until.ts';

/** By its path alone: what it is made of is checked with the console's types, which know a browser. */
const DRAFT_SAVER = '../../console/src/draft-saver.ts';

interface Saver {
  standing(): { readonly isSaved: boolean; readonly problem: unknown };
  entered(entries: Readonly<Record<string, string>>): void;
  save(): Promise<void>;
}

const APPLICATION = { id: 'a', orgId: 'o', version: 1, form: { company: 'Initech' } };

/** What was saved, as the API got it, and how it is answered. */
const saved: { company: string; ifMatch: string | undefined; answer(status?: number): void }[] = [];
let server: Server;
let DraftSaver: new (application: object, keptAs: string, saved: () => void) => Saver;

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => keep(JSON.parse(Buffer.concat(chunks).toString()), request.headers['if-match'], response));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  browserAt(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  ({ DraftSaver } = await import(DRAFT_SAVER));
});
afterAll(() => void server.close());
beforeEach(() => void saved.splice(0));

function keep({ form }: { form: { company: string } }, ifMatch: string | undefined, response: ServerResponse): void {
  const version = Number(ifMatch?.replaceAll('"', '')) + 1;
  const answer = (status = 200) =>
    response
      .writeHead(status, { 'content-type': 'application/json' })
      .end(JSON.stringify({ ...APPLICATION, form, version }));
  saved.push({ company: form.company, ifMatch, answer });
}

/** What a page has and Node has not. */
function browserAt(origin: string): void {
  const kept = new Map<string, string>();
  const sessionStorage = {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, text: string) => kept.set(name, text),
    removeItem: (name: string) => kept.delete(name),
  };
  const fetched = globalThis.Request;
  class PageRequest extends fetched {
    constructor(input: string | URL | Request, init?: RequestInit) {
      super(typeof input === 'string' ? new URL(input, origin) : input, init);
    }
  }
  Object.assign(globalThis, { sessionStorage, location: new URL(`${origin}/console/`), Request: PageRequest });
}

function writer() {
  const saver = new DraftSaver(APPLICATION, 'kept', () => undefined);
  const write = (company: string) => saver.entered({ [FIELD.company]: company, [FIELD.netDays]: '30' });
  write('Initech');
  return { saver, write };
}

test('what is taken back before it was saved stands as saved, and nothing is sent', async () => {
  const { saver, write } = writer();

  write('Initech GmbH');
  const meanwhile = saver.standing();
  write('Initech');
  const taken = saver.standing();
  await saver.save();

  expect([meanwhile.isSaved, taken]).toEqual([false, { isSaved: true, problem: null }]);
  expect(saved).toEqual([]);
});

test('what is taken back while it is being saved is saved anew, as it was', async () => {
  const { saver, write } = writer();
  write('Initech GmbH');
  const saving = saver.save();
  await until(async () => saved.length === 1);

  write('Initech');
  saved[0]?.answer();
  await saving;
  const between = saver.standing();
  await until(async () => saved.length === 2);
  saved[1]?.answer();
  await until(async () => saver.standing().isSaved);

  expect(between.isSaved).toBe(false);
  expect(saved.map(({ company, ifMatch }) => [company, ifMatch])).toEqual([
    ['Initech GmbH', '"1"'],
    ['Initech', '"2"'],
  ]);
});

test('what the API refuses is not saved, and says why until it is taken back', async () => {
  const { saver, write } = writer();
  write('Initech GmbH');
  const saving = saver.save();
  await until(async () => saved.length === 1);

  saved[0]?.answer(409);

  await expect(saving).rejects.toMatchObject({ status: 409 });
  expect(saver.standing()).toMatchObject({ isSaved: false, problem: { status: 409 } });
  write('Initech');
  expect(saver.standing()).toEqual({ isSaved: true, problem: null });
});
