// A mail that is queued reaches its recipient whatever happens on the way, at most twice under one Message-ID, and a dunning notice is
// called handed over only when the mail server has it. Temporal is not there at all.
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { Deliveries, type HandedOver } from '../../services/notifications/deliveries.ts';
import { MailSender } from '../../services/notifications/mail-sender.ts';
import { outboxStanding } from '../../services/notifications/outbox.ts';
import { createLog } from '../../services/platform/log.ts';
import { OutboxBell } from '../../services/platform/outbox-bell.ts';
import { createPool } from '../../services/platform/postgres.ts';
import { MailRelay } from '../../workers/mail-relay.ts';
import { mailSite } from '../../workers/mail-site.ts';
import { newMember, newOrganization, queued } from '../services/notifications/organization.ts';
import { SAMPLES } from '../services/notifications/sample-facts.ts';
import { end, type InboxProcess, mails, orderFault, startInbox } from '../smtp-inbox/inbox-process.ts';
import { freePort } from '../support/free-port.ts';
import { ownDatabase } from '../support/own-database.ts';
import { until } from '../support/until.ts';
import { startWorkerProcess, type WorkerProcess } from '../support/worker-process.ts';

const { database, admin } = await ownDatabase();
const db = createPool(database.urlFor('worker'), { name: 'test', maxConnections: 9, statementTimeoutMs: 8_000 });
afterAll(() => db.end());

const FROM = 'Tollgate <billing@tollgate.example>';
const INVOICE = '0193f000-0000-7000-8000-00000000000a';
const dataDir = mkdtempSync(join(tmpdir(), 'tollgate-inbox-'));
let inbox: InboxProcess;
let orgId: string;

beforeAll(async () => {
  inbox = await startInbox(dataDir);
});
afterAll(async () => {
  await end(inbox, 'SIGTERM');
  rmSync(dataDir, { recursive: true });
});
beforeEach(async () => {
  await admin.query('truncate notifications');
  await admin.query('delete from memberships; delete from billing_details; delete from persons');
  await fetch(`${inbox.url}/api/mails`, { method: 'DELETE' });
  await orderFault(inbox, { fault: null });
  orgId = await newOrganization(admin);
  await newMember(admin, orgId, { email: 'owner@acme.example' });
});

interface Relaying extends AsyncDisposable {
  readonly handedOver: readonly HandedOver[];
  readonly logged: readonly string[];
}

/** As workers/main.ts wires it; each handler of hand-overs is called with how many were made before. */
function relaying(onHandedOver: (before: number) => void = () => undefined): Relaying {
  const [handedOver, logged]: [HandedOver[], string[]] = [[], []];
  const log = createLog({ name: 'relay', level: 'info' }, { write: (line) => logged.push(line) });
  const sender = new MailSender({ url: inbox.smtpUrl, from: FROM });
  const deliveries = new Deliveries({
    db,
    sender,
    from: FROM,
    staff: 'staff@tollgate.example',
    site: mailSite('https://tollgate.example', 'a secret of links that is none', 'https://tollgate.example/runbook'),
    async onHandedOver(_tx, one) {
      handedOver.push(one);
      onHandedOver(handedOver.length - 1);
    },
    log,
  });
  const relay = new MailRelay(deliveries, log);
  const bell = new OutboxBell(database.urlFor('worker'), () => relay.ring());
  const done = Promise.all([bell.start(), relay.run()]);
  return {
    handedOver,
    logged,
    async [Symbol.asyncDispose]() {
      relay.leave();
      await done;
      await bell.stop();
      sender.close();
    },
  };
}

async function warn(invoiceId = INVOICE): Promise<void> {
  const notice = { invoiceId, notice: 'limit_warning' } as const;
  for (const facts of SAMPLES.limit_warning.slice(0, 1))
    await queued(db, { orgId, kind: 'limit_warning', key: `limit_warning:${invoiceId}`, facts, notice });
}

interface Row {
  readonly tries: number;
  readonly isHandedOver: boolean;
  readonly hasGivenUp: boolean;
  readonly error: string | null;
}

async function row(): Promise<Row> {
  const { rows } = await admin.query<Row>(
    `select tries, handed_over_at is not null as "isHandedOver", gave_up_at is not null as "hasGivenUp", error from notifications`,
  );
  if (rows[0] === undefined || rows.length > 1) throw new Error(`${rows.length} notifications`);
  return rows[0];
}

/** What the pause between two tries would bring. */
async function makeDue(): Promise<void> {
  await admin.query(`update notifications set due_at = clock_timestamp()`);
  await admin.query(`notify tollgate_outbox`);
}

test('a notice is handed over once, in the transaction that says so to the ladder', async () => {
  await using relay = relaying();

  await warn();

  await until(async () => (await row()).isHandedOver);
  expect((await mails(inbox)).map(({ to, subject }) => [to, subject])).toEqual([
    [['owner@acme.example'], 'Your API access will be limited on December 8, 2026'],
  ]);
  expect(relay.handedOver).toEqual([
    { orgId, invoiceId: INVOICE, notice: 'limit_warning', handedOverAt: expect.any(Date) },
  ]);
  expect(await outboxStanding(db)).toEqual({ waiting: 0, oldestSeconds: 0, givenUp: 0, withoutRecipient: 0 });
});

test('mails of many events go out once each, over several workers', async () => {
  const invoices = Array.from({ length: 30 }, (_, at) => INVOICE.slice(0, -2) + String(10 + at));
  await using first = relaying();
  await using second = relaying();

  await Promise.all(invoices.map(warn));

  await until(async () => (await outboxStanding(db)).waiting === 0);
  expect((await mails(inbox)).length).toBe(30);
  expect([...first.handedOver, ...second.handedOver].map(({ invoiceId }) => invoiceId).sort()).toEqual(invoices);
});

test('a server that says "later" is asked again', async () => {
  await orderFault(inbox, { fault: { kind: 'refuse', status: 451 }, times: 1 });
  await using relay = relaying();

  await warn();
  await until(async () => (await row()).tries === 1);
  const greylisted = await row();
  await makeDue();

  await until(async () => (await row()).isHandedOver);
  expect(greylisted).toMatchObject({ isHandedOver: false, hasGivenUp: false, error: expect.stringContaining('451') });
  expect((await mails(inbox)).length).toBe(1);
  expect(relay.logged.join('')).toContain('mail_not_taken');
});

test.each([
  [0, '10 seconds'],
  [3, '80 seconds'],
  [40, '15 minutes'],
])('after %i tries the next one comes %s later, not sooner', async (tries, pause) => {
  await orderFault(inbox, { fault: { kind: 'refuse', status: 451 }, times: 1 });
  await warn();
  await admin.query('update notifications set tries = $1', [tries]);

  await using _ = relaying();
  await until(async () => (await row()).tries === tries + 1);

  const { rows } = await admin.query('select due_at - queued_at >= $1::interval as "isLater" from notifications', [
    pause,
  ]);
  expect(rows).toEqual([{ isLater: true }]);
});

test.each([
  ['a server that says "never"', 550, '0 hours'],
  ['a day of "later"', 451, '25 hours'],
])('after %s the mail is given up, and the ladder is not told', async (_what, status, waited) => {
  await orderFault(inbox, { fault: { kind: 'refuse', status }, times: 1 });
  await warn();
  await admin.query('update notifications set queued_at = queued_at - $1::interval', [waited]);

  await using relay = relaying();
  await until(async () => (await row()).tries === 1);

  expect(await row()).toMatchObject({
    isHandedOver: false,
    hasGivenUp: true,
    error: expect.stringContaining(`${status}`),
  });
  expect(await outboxStanding(db)).toMatchObject({ waiting: 0, givenUp: 1 });
  expect([relay.handedOver, await mails(inbox)]).toEqual([[], []]);
  expect(relay.logged.join('')).toContain('mail_given_up');
  expect(relay.logged.join('')).not.toContain('owner@acme.example');
});

test('who is asked to leave records what is with the mail server, and takes nothing more', async () => {
  await orderFault(inbox, { fault: { kind: 'delay', ms: 300 }, times: 1 });
  const relay = relaying();
  await warn();
  await until(async () => (await mails(inbox)).length === 1);

  await relay[Symbol.asyncDispose]();
  const first = await row();
  await warn(INVOICE.replace(/a$/, 'b'));

  expect(first.isHandedOver).toBe(true);
  expect((await outboxStanding(db)).waiting).toBe(1);
});

test('when the ladder cannot be told, the mail that was taken is not sent again, and told of later', async () => {
  await using relay = relaying((before) => {
    if (before === 0) throw new Error('the dunning row was not there');
  });

  await warn();
  await until(async () => (await row()).tries === 1);
  const between = await row();
  await makeDue();

  await until(async () => (await row()).isHandedOver);
  expect(between).toMatchObject({ isHandedOver: false, error: expect.stringContaining('not there') });
  expect([relay.handedOver.length, (await mails(inbox)).length]).toEqual([2, 1]);
});

test('facts that make no mail are a defect that is told of, and hold no other mail up', async () => {
  await warn();
  await admin.query(`update notifications set facts = facts - 'invoiceId'`);
  const other = INVOICE.replace(/a$/, 'b');
  await warn(other);

  await using relay = relaying();
  await until(() => relay.handedOver.length === 1 && relay.logged.join('').includes('mail_failed'));

  expect(relay.handedOver[0]?.invoiceId).toBe(other);
  expect((await mails(inbox)).length).toBe(1);
});

async function startWorker(): Promise<WorkerProcess> {
  return await startWorkerProcess({
    temporalAddress: `127.0.0.1:${await freePort()}`,
    namespace: 'nowhere',
    databaseUrl: database.urlFor('worker'),
    smtpUrl: inbox.smtpUrl,
  });
}

test('a worker killed between the 250 and its commit: the next one sends it again, with the same Message-ID', async () => {
  const blocker = await admin.connect();
  await warn();
  // Rows can be claimed and read, and nothing can be written: the mail goes out, and its hand-over is not recorded.
  await blocker.query('begin; lock table notifications in share mode');
  const killed = await startWorker();
  await until(async () => (await waitingForUpdate()) === 1);
  const gone = once(killed.child, 'exit');
  killed.child.kill('SIGKILL');
  await gone;
  await blocker.query('rollback');
  blocker.release();
  const before = await row();

  const next = await startWorker();
  await until(async () => (await row()).isHandedOver);

  const ids = (await mails(inbox)).map(({ messageId }) => messageId);
  expect(before.isHandedOver).toBe(false);
  expect(ids).toEqual([expect.stringMatching(/^<[0-9a-f]{64}@tollgate\.example>$/), ids[0]]);
  expect(await metricsOf(next)).toMatchObject({ waiting: '0', given_up: '0', without_recipient: '0' });
  expect(await next.stop()).toBe(0);
});

async function waitingForUpdate(): Promise<number> {
  const { rows } = await admin.query<{ waiting: number }>(
    `select count(*)::int as waiting from pg_stat_activity where wait_event_type = 'Lock' and query like 'update notifications%handed_over_at%'`,
  );
  return rows[0]?.waiting ?? 0;
}

async function metricsOf({ url }: WorkerProcess): Promise<Record<string, string>> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Object.fromEntries(
    [...text.matchAll(/^tollgate_notifications_(\w+) (\S+)$/gm)].map(([, name, value]) => [name, value]),
  );
}

test('while billing is on hold after a restore bills wait, what somebody needs to get in does not, and then all of them go out once', async () => {
  await admin.query(`select raise_billing_hold('a test has restored it', now())`);
  await using _relay = relaying();

  await warn();
  for (const facts of SAMPLES.sign_up_code.slice(0, 1))
    await queued(db, { orgId: null, kind: 'sign_up_code', key: 'sign_up_code:1', facts });
  await until(async () => (await mails(inbox)).length === 1);
  const { waiting: held } = await outboxStanding(db);
  await admin.query('update billing_holds set cleared_at = clock_timestamp()');
  await makeDue();

  await until(async () => (await outboxStanding(db)).waiting === 0);
  expect([held, (await mails(inbox)).length]).toEqual([1, 2]);
});
