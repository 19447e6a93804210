// The first dollar of whoever signs up is given once, whatever he calls himself, and a few times to one network, whatever is tried at once (R-BIZ-1).
import { createSecretKey, randomBytes, randomUUID } from 'node:crypto';
import { afterAll, expect, test } from '@jest/globals';
import { openAccounts } from '../../../services/accounts/accounts.ts';
import { siteOf } from '../../../services/accounts/networks.ts';
import { completeSignUp } from '../../../services/accounts/sign-ups.ts';
import type { TrialOutcome } from '../../../services/accounts/trials.ts';
import { issueGrant } from '../../../services/grants/grants.ts';
import { createOrganization } from '../../../services/organizations/organizations.ts';
import { addMember } from '../../../services/people/memberships.ts';
import { createPool, inTransaction } from '../../../services/platform/postgres.ts';
import { Vault } from '../../../services/vault/vault.ts';
import { ownDatabase } from '../../support/own-database.ts';

const { admin, database } = await ownDatabase();
const AT_ONCE = 8;
const db = createPool(database.urlFor('worker'), { name: 'test', maxConnections: AT_ONCE, statementTimeoutMs: 30_000 });
afterAll(() => db.end());

const vault = new Vault({ current: 1, keys: new Map([[1, createSecretKey(randomBytes(32))]]) });
const accounts = openAccounts(db, vault, 'http://localhost', randomBytes(32).toString('hex'));

/** Of somebody who has typed the code of his mail. */
async function signedUp(email: string, clientAddress: string) {
  const id = randomUUID();
  await admin.query(
    `insert into auth.sign_ups (id, secret_hash, email, name, locale, time_zone, password_hash, valid_until)
     values ($1, $2, $3, 'Ada', 'en', 'UTC', '$argon2id$', clock_timestamp() + interval '1 hour')`,
    [id, randomBytes(32), email],
  );
  return inTransaction(db, (tx) => completeSignUp(tx, accounts, id, clientAddress));
}

const newAddress = () => `${randomUUID()}@example.com`;
let lastNetwork = 0;
const newNetwork = () => `198.18.0.${++lastNetwork}`;

test('of a thousand newcomers who come at once from one network, five have a dollar', async () => {
  const clientAddress = newNetwork();
  const { rows: waiting } = await admin.query<{ orgId: string; personId: string }>(
    `with o as (insert into organizations (id, name) select gen_random_uuid(), 'Ada' from generate_series(1, 1000) returning id),
          p as (insert into persons (id, email, name, email_verified_at) select id, id || '@example.com', 'Ada', now() from o returning id),
          m as (insert into memberships (org_id, person_id, role) select id, id, 'owner' from o)
     select id as "orgId", id as "personId" from p`,
  );
  const outcomes: TrialOutcome[] = [];
  const oneByOne = async () => {
    for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
      const newcomer = { ...one, clientAddress };
      outcomes.push(await inTransaction(db, (tx) => accounts.trials.give(tx, newcomer)));
    }
  };

  await Promise.all(Array.from({ length: AT_ONCE }, oneByOne));

  expect(outcomes.sort()).toEqual([...Array(5).fill('given'), ...Array(995).fill('too_many_from_network')]);
  const { rows } = await admin.query(`select count(*)::int as grants from credit_grants where source = 'trial'`);
  expect(rows).toEqual([{ grants: 5 }]);
});

test('who has no dollar has an account and an organization all the same', async () => {
  const network = newNetwork();

  const all = await Promise.all(Array.from({ length: AT_ONCE }, () => signedUp(newAddress(), network)));

  expect(all.map(({ trial }) => trial).sort()).toEqual([
    ...Array(5).fill('given'),
    ...Array(3).fill('too_many_from_network'),
  ]);
  const { rows } = await admin.query('select from memberships where person_id = any($1)', [
    all.map(({ personId }) => personId),
  ]);
  expect(rows).toHaveLength(AT_ONCE);
});

test('who had a dollar already takes none from his network, and in a month the network has five again', async () => {
  const [network, known] = [newNetwork(), newAddress()];
  const [mailbox] = known.split('@');
  await signedUp(known, newNetwork());
  const again = await signedUp(`${mailbox}+again@example.com`, network);

  const five = [];
  for (let one = 0; one < 6; one += 1) five.push((await signedUp(newAddress(), network)).trial);
  await admin.query(`update auth.trial_networks set given_at = given_at - interval '30 days'`);
  const later = await signedUp(newAddress(), network);

  expect(again.trial).toBe('had_before');
  expect(five).toEqual([...Array(5).fill('given'), 'too_many_from_network']);
  expect(later.trial).toBe('given');
});

test.each([
  ['a word behind a plus', 'ada1@example.com', 'ada1+tollgate@example.com'],
  ['several of them', 'ada2+a@example.com', 'ada2+b+c@example.com'],
  ['dots at Gmail', 'ada.lovelace@gmail.com', 'a.d.a.lovelace+2@gmail.com'],
  ['Gmail by its other name', 'grace.hopper@gmail.com', 'gracehopper@googlemail.com'],
])('one mailbox has one dollar: %s', async (_, first, second) => {
  const outcomes = await Promise.all([signedUp(first, newNetwork()), signedUp(second, newNetwork())]);

  expect(outcomes.map(({ trial }) => trial).sort()).toEqual(['given', 'had_before']);
});

test('dots elsewhere, and what is nothing but a plus, are mailboxes of their own', async () => {
  const outcomes = [];
  for (const email of ['a.b@example.com', 'ab@example.com', '+x@example.com', '+y@example.com']) {
    outcomes.push((await signedUp(email, newNetwork())).trial);
  }

  expect(outcomes).toEqual(Array(4).fill('given'));
});

test('a person who no longer owns the organization that had his dollar brings none to another, under another address either', async () => {
  const { personId } = await signedUp(newAddress(), newNetwork());
  await admin.query(`update memberships set role = 'viewer' where person_id = $1`, [personId]);
  await admin.query('update persons set email = $2 where id = $1', [personId, newAddress()]);

  const giving = inTransaction(db, async (tx) => {
    const rates = { requestsPerMinute: null, tokensPerMinute: null, concurrentRequests: null };
    const { id: orgId } = await createOrganization(tx, { name: 'Acme', timeZone: 'UTC', caps: [], ...rates });
    await addMember(tx, orgId, personId, 'owner');
    const dollar = { source: 'trial', amountNano: 1_000_000_000n as never, expiresAt: null, note: null } as const;
    await issueGrant(tx, { orgId, ...dollar, actor: 'test' });
  });

  await expect(giving).rejects.toMatchObject({ code: 'conflict' });
});

test('what an IPv6 customer is given at most is one network', () => {
  const sites = ['2001:db8:1:2::3', '2001:db8:1:ffff::1', '2001:db8:2::1', '198.51.100.7', '::ffff:198.51.100.7'];

  expect(sites.map(siteOf)).toEqual([
    ...['2001:db8:1::', '2001:db8:1::', '2001:db8:2::'],
    ...['198.51.100.7', '198.51.100.7'],
  ]);
});
