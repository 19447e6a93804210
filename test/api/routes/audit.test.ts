// What the audit log says of every change, who finds it by what, and what somebody who has an export can prove without us.
import { spawnSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ROUTES } from '../../../api/app.ts';
import { until } from '../../support/until.ts';
import { ADMIN_TOKEN, done, type ManagementApp, type Sent, startManagementApp } from './management-app.ts';
import { startMockUpstream } from './mock-upstream.ts';
import { oneOfEverything, type World } from './one-of-everything.ts';

/** Sent with every change, where a careless writer might take it for a part of what is told. */
const CANARIES = {
  cookie: 'session=canary-cookie',
  'x-api-key': 'canary-key',
  'user-agent': 'canary-agent',
  referer: 'https://x/?canary-referer',
};
const CLIENT = '198.51.100.23';
const FORGED = '203.0.113.66';
const FORMULA = '=HYPERLINK("https://x","a")';
const FOLDER = mkdtempSync(join(tmpdir(), 'audit-'));

let app: ManagementApp;
let world: World;
let entries: Entry[];

interface Entry {
  readonly id: string;
  readonly at: string;
  readonly actor: string;
  readonly action: string;
  readonly targetKind: string;
  readonly targetId: string;
  readonly orgId: string | null;
  readonly after: unknown;
  readonly reason: string | null;
  readonly requestId: string | null;
  readonly clientAddress: string | null;
  readonly hash: string;
}

// Behind a proxy on this machine that says who asks; whatever the client claims of itself stands to the left of that.
beforeAll(async () => {
  app = await startManagementApp(true, ['127.0.0.1']);
  const upstream = await startMockUpstream();
  const planted = { ...CANARIES, 'x-forwarded-for': `${FORGED}, ${CLIENT}` };
  const call = (method: string, path: string, sent: Sent = {}) =>
    app.call(method, path, { ...sent, headers: { ...planted, ...repeatable(method), ...sent.headers } });
  world = await oneOfEverything({ ...app, call }, upstream);
  upstream.close();
  const path = `/api/v1/organizations/${world.orgId}`;
  for (const reason of [FORMULA, 'one \u2028 two']) {
    done(await call('patch', path, { body: { name: 'Acme', reason }, headers: { 'if-match': '*' } }));
  }
  writeFileSync(join(FOLDER, 'verify.mjs'), verifierInTheDocument());
  entries = await everyEntry('');
});
afterAll(async () => {
  rmSync(FOLDER, { recursive: true });
  await app.close();
});

function repeatable(method: string): Record<string, string> {
  return method === 'post' ? { 'idempotency-key': `canary-${randomUUID()}` } : {};
}

/** Newest first, page by page. */
async function everyEntry(filter: string): Promise<Entry[]> {
  const found: Entry[] = [];
  for (let cursor = ''; ; ) {
    const page = done(await app.call('get', `/api/v1/audit?limit=7${filter}${cursor}`));
    found.push(...(page.list('data') as Entry[]));
    if (page.field('nextCursor') === null) return found;
    cursor = `&cursor=${page.string('nextCursor')}`;
  }
}

const exported = async (query = '') => done(await app.call('get', `/api/v1/audit/export?${query}`)).text;

test('every change says who did it, from where, by which request, and whose affair it is', async () => {
  const declared = ROUTES.filter(({ changes }) => changes).map(({ method, path }) => `${method} ${path}`);
  expect(world.steps.map(({ route }) => route).sort()).toEqual(declared.sort());

  const kinds = new Map<string, Set<string | null>>();
  for (const { answer } of world.steps) {
    const [entry] = entries.filter(({ requestId }) => requestId === answer.headers.get('x-request-id'));
    expect(entry?.actor).toMatch(/^(admin|public|person:[0-9a-f-]{36})$/);
    expect(entry?.clientAddress).toBe(CLIENT);
    const kind = entry?.targetKind ?? '';
    kinds.set(kind, (kinds.get(kind) ?? new Set()).add(entry?.orgId ?? null));
  }
  const installations = [
    ...['proposal', 'inbox_item'],
    'channel',
    'model',
    'price',
    'person',
    'sign_up',
    'sign_on',
    'bootstrap',
    'password_reset',
    'tax_regime',
    'billing_incident',
    ...['billing_clock', 'master_key', 'backup', 'restore_check', 'leak_report'],
  ];
  for (const [kind, orgIds] of kinds) {
    expect([kind, orgIds.has(null)]).toEqual([kind, installations.includes(kind)]);
    expect([kind, orgIds.size]).toEqual([kind, 1]);
  }
  expect(kinds.size).toBeGreaterThan(15);
});

test('what processes did names the organization that it was about, too', () => {
  const told = entries.filter(({ actor }) => !/^(admin|public|master key rotation|person:.*)$/.test(actor));
  expect(told.map(({ action }) => action)).toEqual(expect.arrayContaining(['payment.recorded', 'invoice.issued']));
  for (const { orgId, after } of told) expect(after).toMatchObject(Object(after).orgId === undefined ? {} : { orgId });
  expect(told.filter(({ orgId }) => orgId === null)).toEqual([]);
});

test('no secret that was sent, made or answered by any change is in an entry, nor in an export of it', async () => {
  const verifying = await app.db.query<{ id: string }>('select id from mail_verifications');
  const verifyUrls = verifying.rows.map(({ id }) => app.verifyLinks.urlOf(id));
  for (const url of verifyUrls) await fetch(url, { method: 'POST', redirect: 'manual' });
  const links = [...verifyUrls, ...world.steps.flatMap(({ answer }) => linksIn(answer.body))];
  const secrets = [ADMIN_TOKEN, ...world.secrets, ...links.map((url) => url.split('/').at(-1) ?? '')];

  const told = [await exported(), await exported('format=csv'), JSON.stringify(await everyEntry(''))];

  expect(links.length).toBeGreaterThan(4);
  for (const text of told) {
    expect(text).toContain('person.verified');
    expect(text).not.toMatch(/canary/);
    expect(text).not.toContain(FORGED);
    expect(secrets.filter((secret) => secret.length < 8 || text.includes(secret))).toEqual([]);
  }
});

/** Each is the right to do something, for whoever has it. */
/** Of whom we ask, or who asks us, is an address and no link that opens something. */
const ADDRESSES = ['baseUrl', 'issuer', 'redirectUri'];

function linksIn(value: unknown): string[] {
  if (typeof value === 'string') return /^https?:\/\//.test(value) ? [value] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([field, part]) => (ADDRESSES.includes(field) ? [] : linksIn(part)));
}

test('each filter, alone and with others, finds exactly what it says, in pages and in an export', async () => {
  const all = await everyEntry('');
  const some = all.find(({ targetKind }) => targetKind === 'project');
  const middle = all[Math.floor(all.length / 2)]?.at ?? '';
  const filters: readonly (readonly [query: string, fits: (entry: Entry) => boolean])[] = [
    ['actor=admin', ({ actor }) => actor === 'admin'],
    ['action=project.changed', ({ action }) => action === 'project.changed'],
    ['targetKind=payment', ({ targetKind }) => targetKind === 'payment'],
    [`targetId=${some?.targetId}`, ({ targetId }) => targetId === some?.targetId],
    [`orgId=${world.orgId}`, ({ orgId }) => orgId === world.orgId],
    [`requestId=${some?.requestId}`, ({ requestId }) => requestId === some?.requestId],
    [`from=${middle}`, ({ at }) => at >= middle],
    [`to=${middle}`, ({ at }) => at < middle],
    [
      `orgId=${world.orgId}&actor=admin&from=${middle}`,
      (one) => one.orgId === world.orgId && one.actor === 'admin' && one.at >= middle,
    ],
    [`orgId=${randomUUID()}`, () => false],
  ];
  for (const [query, fits] of filters) {
    const expected = all.filter(fits).map(({ id }) => id);
    expect([query, (await everyEntry(`&${query}`)).map(({ id }) => id)]).toEqual([query, expected]);
    const seqs = linesOf(await exported(query)).map((line) => String(JSON.parse(line).entry.seq));
    expect([query, seqs]).toEqual([query, expected.toReversed()]);
  }
  expect(all.map(({ id }) => Number(id))).toEqual(all.map((_, at) => all.length - at));
});

const linesOf = (text: string) => text.split('\n').slice(0, -1);

function verifierInTheDocument(): string {
  const document = readFileSync(join(import.meta.dirname, '../../../docs/operations.md'), 'utf8');
  return /## The audit log\n[\s\S]*?```js\n([\s\S]*?)```/.exec(document)?.[1] ?? '';
}

/** What it prints; null: it refuses. */
function verified(text: string, ...args: string[]): string | null {
  const script = join(FOLDER, 'verify.mjs');
  const { status, stdout } = spawnSync(process.execPath, [script, ...args], { input: text, encoding: 'utf8' });
  return status === 0 ? stdout.trim() : null;
}

test('an export of the whole log, of an organization, or of a span of either is verified by the lines in the document', async () => {
  const { head } = Object(done(await app.call('get', '/api/v1/audit/verification')).body);
  const middle = entries[Math.floor(entries.length / 2)]?.at ?? '';
  const whole = `whole, up to entry ${head.seq} with the hash ${head.hash}`;

  expect(verified(await exported())).toBe(whole);
  expect(verified(await exported(`from=${middle}`))).toBe(whole);
  expect(verified(await exported(`orgId=${world.orgId}`), 'org')).toMatch(/^whole, up to entry \d+ with the hash/);
  expect(verified(await exported(`orgId=${world.orgId}&to=${middle}`), 'org')).toMatch(/^whole/);
});

test('an export from which something is missing, or in which something was changed or moved, is refused by them', async () => {
  const lines = linesOf(await exported());
  const own = linesOf(await exported(`orgId=${world.orgId}`));
  const text = (kept: readonly string[]) => kept.map((line) => `${line}\n`).join('');
  const [first = '', second = '', ...rest] = lines;

  expect(verified(text(lines.toSpliced(5, 1)))).toBeNull();
  expect(verified(text(own.toSpliced(5, 1)), 'org')).toBeNull();
  expect(verified(text([second, first, ...rest]))).toBeNull();
  expect(verified(text(lines.with(5, (lines[5] ?? '').replace('"admin"', '"nobody"'))))).toBeNull();
  expect(verified(text(own))).toBeNull();
});

test('as CSV every entry is a row, with what its hash is of, and nothing that a spreadsheet would compute', async () => {
  const answer = done(await app.call('get', '/api/v1/audit/export?format=csv'));
  const [head = [], ...rows] = rowsOf(answer.text);
  const cell = (row: string[], name: string) => row[head.indexOf(name)] ?? '';

  expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8');
  expect(answer.headers.get('content-disposition')).toContain('audit.csv');
  expect(rows.map((row) => cell(row, 'seq'))).toEqual(linesOf(await exported()).map((_, at) => String(at + 1)));
  for (const row of rows) {
    expect(row.length).toBe(head.length);
    expect(createHash('sha256').update(cell(row, 'entry')).digest('hex')).toBe(cell(row, 'hash'));
    expect(row.filter((one) => /^[=+\-@\t\r]/.test(one))).toEqual([]);
  }
  expect(rows.map((row) => cell(row, 'reason'))).toContain(`'${FORMULA}`);
});

/** RFC 4180. */
function rowsOf(csv: string): string[][] {
  return csv
    .split('\r\n')
    .slice(0, -1)
    .map((line) => [...line.matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g)].slice(0, -1))
    .map((cells) => cells.map(([, cell = '']) => cell.replace(/^"|"$/g, '').replaceAll('""', '"')));
}

test('the proof tells where the log ends, and whether an entry that somebody kept is still there', async () => {
  const ask = async (query = '') => app.call('get', `/api/v1/audit/verification${query}`);
  const [kept] = entries;

  const [plain, same, other, half] = [
    await ask(),
    await ask(`?seq=${kept?.id}&hash=${kept?.hash}`),
    await ask(`?seq=${kept?.id}&hash=${'0'.repeat(64)}`),
    await ask('?seq=1'),
  ];

  expect([plain.field('ok'), same.field('ok'), other.field('ok'), half.status]).toEqual([true, true, false, 400]);
  expect(Number(plain.field('head.seq'))).toBeGreaterThanOrEqual(entries.length);
});

/** More than is held anywhere on the way, so that the export is under way until its client has read it. */
async function manyLargeEntries(): Promise<void> {
  await app.db.query(
    `insert into audit_log (actor, action, target_kind, target_id, after)
     select 'crowd', 'model.changed', 'model', 'm', jsonb_build_object('text', repeat('x', 40000)) from generate_series(1, 700)`,
  );
}

async function begun(signal?: AbortSignal): Promise<ReadableStreamDefaultReader<Uint8Array>> {
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
  const answer = await fetch(`${app.url}/api/v1/audit/export`, {
    headers,
    ...(signal === undefined ? {} : { signal }),
  });
  const reader = answer.body?.getReader();
  if (reader === undefined) throw new Error('no body');
  await reader.read();
  return reader;
}

test('a client who leaves in the middle of an export ends it, and that is no fault of ours', async () => {
  await manyLargeEntries();
  const leaving = new AbortController();
  await begun(leaving.signal);

  leaving.abort();
  await until(() => app.worker.idleCount === app.worker.totalCount);

  expect(done(await app.call('get', '/api/v1/audit?limit=1')).list('data')).toHaveLength(1);
  expect(app.log.filter((line) => line.includes('request_failed'))).toEqual([]);
});

test('an export that cannot be finished breaks off, so that nobody takes a part for all of it', async () => {
  const reader = await begun();
  app.postgres.kill('SIGKILL');

  const readOn = async () => {
    for (;;) if ((await reader.read()).done) return 'finished';
  };
  const outcome = await readOn().catch(() => 'broken off');
  await app.postgres.restart();

  expect(outcome).toBe('broken off');
});
