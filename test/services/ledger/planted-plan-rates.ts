// Requests of a team beyond its included credit in the books, and the defects that the checks of plans' rates are for.
import type { Pool } from 'pg';
import { type BareGateway, newCustomer } from '../../support/bare-gateway.ts';

/** Of a team's three requests one is covered, one straddles the end of included credit, and one is beyond it; a sub-account of an enterprise has one. */
export async function spendBeyondIncluded(admin: Pool, gateway: BareGateway): Promise<void> {
  const team = await newCustomer(admin, [
    { usd: '0.02', source: 'included', priority: 10 },
    { usd: '10', priority: 20 },
  ]);
  await admin.query(`update organizations set plan_version_id = 'team-1' where id = $1`, [team.orgId]);
  for (const usd of ['0.015', '0.015', '0.015']) await gateway.settle(team, await gateway.hold(team, usd), usd);
  const account = await newCustomer(admin, [{ usd: '10', priority: 20 }]);
  await admin.query(
    `insert into plan_versions values ('enterprise-planted', 'enterprise', now(), 0, 0, null, 'all', 800000, 'very_high')`,
  );
  await admin.query(`update organizations set plan_version_id = 'enterprise-planted' where id = $1`, [account.orgId]);
  await admin.query('update projects set price_of_list_ppm = 700000 where id = $1', [account.projectId]);
  await gateway.settle(account, await gateway.hold(account, '0.015'), '0.015');
}

const DEARER = 'due_nano = due_nano + 1, charge_nano = charge_nano + 1';

/** Check, defect, the statement that plants it. */
export const PLANTED_PLAN_RATES: readonly (readonly [string, string, string])[] = [
  [
    'plan-due',
    'a request costs 1 nano more than its split',
    `update usage_records set ${DEARER} where beyond_nano > 0`,
  ],
  [
    'plan-due',
    'a discount that nothing explains',
    'update usage_records set due_nano = due_nano - 1, charge_nano = charge_nano - 1 where charge_nano > 1 and beyond_ppm is null',
  ],
  [
    'plan-due',
    'a request was charged at another rate than its lease',
    'update usage_records set beyond_ppm = 1000000, due_nano = rated_nano, charge_nano = rated_nano where beyond_nano > 0',
  ],
  [
    'plan-split',
    'list price was charged where no included credit covered it',
    'update usage_records set beyond_nano = beyond_nano - 10, due_nano = due_nano + 1 where beyond_nano = rated_nano',
  ],
  [
    'plan-split',
    'the discount was given where included credit covered it',
    'update usage_records set beyond_nano = 10, due_nano = due_nano - 1, charge_nano = charge_nano - 1 where beyond_nano = 0',
  ],
  [
    'plan-rate',
    'a lease has a rate that its plan has not',
    'update leases set beyond_ppm = 500000 where beyond_ppm is not null',
  ],
  [
    'plan-rate',
    'an organization that agreed on no plan pays more than list price',
    'update leases set beyond_ppm = 1050000 where beyond_ppm is null',
  ],
  [
    'plan-rate',
    'a sub-account pays what its organization has agreed on',
    'update leases set beyond_ppm = 800000 where beyond_ppm = 700000',
  ],
  [
    'plan-rate',
    'the price of a project changed and nobody wrote it down',
    'update projects set price_of_list_ppm = null',
  ],
  ['plan-rate', 'a plan changed and nobody wrote it down', 'update organizations set plan_version_id = null'],
];
