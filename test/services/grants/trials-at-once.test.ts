// A trial is given once per card, also when the card is left in the very moment in which the trial is given.
import { expect, test } from '@jest/globals';
import type { Pool, PoolClient } from 'pg';
import { newId } from '../../../services/platform/ids.ts';
import { newCustomer } from '../../support/bare-gateway.ts';
import { ownDatabase } from '../../support/own-database.ts';

const { admin } = await ownDatabase();

async function trialOf(db: Pool | PoolClient, orgId: string): Promise<string> {
  const { rows } = await db.query<{ outcome: string }>(
    `select claim_trial($1) as outcome, issue_grant($2, $1, 'trial', 10::smallint, 1000000000, 0, billing_now() + interval '30 days', null, 'test')`,
    [orgId, newId()],
  );
  return rows[0]?.outcome ?? '';
}

async function leaveCard(orgId: string, fingerprint: string): Promise<void> {
  await admin.query(
    `insert into payment_methods (id, org_id, stripe_payment_method, brand, last4, exp_month, exp_year, fingerprint, is_default, attached_at)
     values ($1, $2, $4, 'visa', '4242', 1, 2040, $3, true, billing_now())`,
    [newId(), orgId, fingerprint, `pm_${newId()}`],
  );
}

test('a card that is left while its organization is given a trial has had one, and brings no second one elsewhere', async () => {
  const [one, other] = [await newCustomer(admin, []), await newCustomer(admin, [])];
  const giving = await admin.connect();

  await giving.query('begin');
  const first = await trialOf(giving, one.orgId);
  await leaveCard(one.orgId, 'one number');
  await giving.query('commit');
  giving.release();
  await leaveCard(other.orgId, 'one number');

  expect([first, await trialOf(admin, other.orgId)]).toEqual(['claimed', 'had_before']);
});
