// Who is told of an event, in which language, and how often: once, whatever its caller repeats, and never of what was rolled back.
import { afterAll, beforeEach, expect, test } from '@jest/globals';
import { Client, Pool } from 'pg';
import { MAILS, type MailKind } from '../../../services/notifications/mails/kinds.ts';
import { outboxStanding, type QueuedMail, queueMail } from '../../../services/notifications/outbox.ts';
import { createPool, inTransaction } from '../../../services/platform/postgres.ts';
import { ownDatabase } from '../../support/own-database.ts';
import { until } from '../../support/until.ts';
import { newMember, newOrganization, queued } from './organization.ts';
import { SAMPLES } from './sample-facts.ts';

const { database, admin } = await ownDatabase();
const worker = createPool(database.urlFor('worker'), { name: 'test', maxConnections: 2, statementTimeoutMs: 8_000 });
afterAll(() => worker.end());

let orgId: string;
beforeEach(async () => {
  await admin.query('truncate notifications');
  await admin.query('delete from memberships; delete from billing_details; delete from persons');
  orgId = await newOrganization(admin);
});

const KINDS = Object.keys(SAMPLES) as MailKind[];
const CANCELLED = {
  kind: 'cancelled',
  facts: { terms: { plan: 'pro', months: 1 }, endsAt: '2027-01-01T10:00:00.000Z' },
} as const;

function cancelled(eventKey: string): QueuedMail<'cancelled'> {
  return { orgId, key: eventKey, ...CANCELLED };
}

function warning(invoiceId: string): QueuedMail<'limit_warning'> {
  const facts = SAMPLES.limit_warning[0];
  if (facts === undefined) throw new Error('a warning has a sample');
  return {
    orgId,
    kind: 'limit_warning',
    key: `limit_warning:${invoiceId}`,
    facts,
    notice: { invoiceId, notice: 'limit_warning' },
  };
}

async function addressed(): Promise<(string | null)[][]> {
  const { rows } = await admin.query<{ recipient: string | null; locale: string }>(
    'select recipient, locale from notifications order by recipient',
  );
  return rows.map(({ recipient, locale }) => [recipient, locale]);
}

async function giveUp(ago: string): Promise<void> {
  await admin.query(`update notifications set gave_up_at = clock_timestamp() - $1::interval, tries = 7`, [ago]);
}

const INVOICE = '0193f000-0000-7000-8000-00000000000a';

test('owners and billing members are told, each in his language; who has left, waits, or has not proved his address is not', async () => {
  await newMember(admin, orgId, { email: 'owner@acme.example' });
  await newMember(admin, orgId, { email: 'bills@acme.example', role: 'billing', locale: 'zh' });
  await newMember(admin, orgId, { email: 'admin@acme.example', role: 'admin' });
  await newMember(admin, orgId, { email: 'member@acme.example', role: 'developer' });
  await newMember(admin, orgId, { email: 'unproved@acme.example', isVerified: false });
  await newMember(admin, orgId, { email: 'left@acme.example', status: 'removed' });
  await newMember(admin, orgId, { email: 'waits@acme.example', status: 'suspended' });
  await newMember(admin, await newOrganization(admin), { email: 'owner@other.example' });

  await queued(worker, cancelled('cancelled:1'));

  expect(await addressed()).toEqual([
    ['bills@acme.example', 'zh'],
    ['owner@acme.example', 'en'],
  ]);
});

test('a billing address takes the place of all of them, in the language of the first owner', async () => {
  await newMember(admin, orgId, { email: 'first@acme.example', locale: 'zh' });
  await newMember(admin, orgId, { email: 'second@acme.example', locale: 'en' });
  await admin.query(`insert into billing_details (org_id, billing_email) values ($1, 'ap@acme.example')`, [orgId]);

  await queued(worker, cancelled('cancelled:1'));

  expect(await addressed()).toEqual([['ap@acme.example', 'zh']]);
});

test('a decision is asked of the staff, and an address is verified with whom it belongs to', async () => {
  const personId = await newMember(admin, orgId, {
    email: 'new@acme.example',
    locale: 'zh',
    role: 'developer',
    isVerified: false,
  });
  const [stop, verify] = [SAMPLES.stop_decision[0], SAMPLES.verification[0]];
  if (stop === undefined || verify === undefined) throw new Error('both have samples');

  await queued(worker, { orgId, kind: 'stop_decision', key: 'stop_decision_due:1', facts: stop });
  await queued(worker, { orgId: null, kind: 'verification', key: 'verification:1', facts: { ...verify, personId } });

  expect(await addressed()).toEqual([
    ['new@acme.example', 'zh'],
    ['staff', 'en'],
  ]);
});

test.each(KINDS)('the table knows the kind %s', async (kind) => {
  const facts = SAMPLES[kind][0];
  if (facts === undefined) throw new Error(`${kind} has no sample`);

  const isOfNobody = ['person', 'address'].includes(MAILS[kind].to) || kind === 'channel_key_awaited';
  await queued(worker, { orgId: isOfNobody ? null : orgId, kind, key: `${kind}:1`, facts });

  expect((await addressed()).length).toBe(1);
});

test('told twice is told once, also of who has become an owner in between; rolled back is not told', async () => {
  await newMember(admin, orgId, { email: 'owner@acme.example' });
  await queued(worker, cancelled('cancelled:1'));
  await newMember(admin, orgId, { email: 'later@acme.example' });

  await queued(worker, cancelled('cancelled:1'));
  const undone = inTransaction(worker, async (tx) => {
    await queueMail(tx, cancelled('cancelled:2'));
    throw new Error('the card was declined');
  });

  await expect(undone).rejects.toThrow('the card was declined');
  expect(await addressed()).toEqual([['owner@acme.example', 'en']]);
});

test('with nobody to write to the copy is kept and a metric shows it; a notice finds its reader when there is one', async () => {
  await queued(worker, warning(INVOICE));
  await queued(worker, warning(INVOICE));
  const [alone, standing] = [await addressed(), await outboxStanding(worker)];
  await newMember(admin, orgId, { email: 'owner@acme.example' });

  await queued(worker, warning(INVOICE));

  expect(alone).toEqual([[null, 'en']]);
  expect(standing).toMatchObject({ waiting: 0, withoutRecipient: 1 });
  expect(await addressed()).toEqual([
    ['owner@acme.example', 'en'],
    [null, 'en'],
  ]);
  expect(await outboxStanding(worker)).toMatchObject({ waiting: 1, withoutRecipient: 0 });
});

test('a notice that was refused goes to another address as soon as there is one', async () => {
  await newMember(admin, orgId, { email: 'wrong@acme.example' });
  await queued(worker, warning(INVOICE));
  await giveUp('1 minute');
  await admin.query(`insert into billing_details (org_id, billing_email) values ($1, 'right@acme.example')`, [orgId]);

  await queued(worker, warning(INVOICE));

  expect((await addressed()).map(([recipient]) => recipient)).toEqual(['right@acme.example', 'wrong@acme.example']);
  expect(await outboxStanding(worker)).toMatchObject({ waiting: 1, givenUp: 1 });
});

test('a notice that was given up is tried again when it is asked for a day later, and not before', async () => {
  await newMember(admin, orgId, { email: 'owner@acme.example' });
  await queued(worker, warning(INVOICE));

  await giveUp('23 hours');
  await queued(worker, warning(INVOICE));
  const before = await outboxStanding(worker);
  await giveUp('25 hours');
  await queued(worker, warning(INVOICE));

  expect(before).toMatchObject({ waiting: 0, givenUp: 1 });
  expect(await outboxStanding(worker)).toMatchObject({ waiting: 1, givenUp: 0 });
  expect((await admin.query('select tries from notifications')).rows).toEqual([{ tries: 0 }]);
});

test('a mail that is queued wakes whoever listens to the outbox, when its transaction commits', async () => {
  const heard: (string | undefined)[] = [];
  const listener = new Client({ connectionString: database.urlFor('worker') });
  listener.on('notification', ({ payload }) => heard.push(payload));
  await listener.connect();
  await listener.query('listen tollgate_outbox');

  await queued(worker, cancelled('cancelled:1'));

  await until(() => heard.length === 1);
  expect(heard).toEqual(['mail']);
  await listener.end();
});

test('who only reads the books does not read what mails say', async () => {
  const readonly = new Pool({ connectionString: database.urlFor('readonly') });

  await expect(readonly.query('select facts from notifications')).rejects.toThrow('permission denied');
  await expect(readonly.query('select recipient from notifications')).rejects.toThrow('permission denied');

  await readonly.query('select kind, handed_over_at from notifications');
  await readonly.end();
});
