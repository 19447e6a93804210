// One customer on each plan and in each stage of a debt, so that a first look at a demo finds something in every state. Whoever is there by
// his name was made by an earlier start; what time has made of him since is his own affair.
import { buyPlan, newOrganization } from './buying.ts';
import { billingNow, DAY_MS } from './demo-clock.ts';
import type { Endpoints } from './endpoints.ts';
import { lendCredit } from './enterprises.ts';
import { DEMO_CUSTOMER } from './seed.ts';
import { DEBTORS, seedDebtors } from './seed-debtors.ts';
import { Staff } from './staff.ts';

const TRIAL = { amountNano: '1000000000', source: 'trial' } as const;
const TRIAL_DAYS = 30;
const FIRST_CREDIT_NANO = '10000000000';
const NET_DAYS = 30;
/** Ends the name of one who is not all that he is to be yet. */
const UNFINISHED = ' (being made)';

type Begin = (staff: Staff, orgId: string) => Promise<void>;

const CUSTOMERS: readonly (readonly [name: string, begin: Begin])[] = [
  ['Demo free', giveTrial],
  ['Demo pay as you go', payAsYouGo],
  ['Demo pro', (staff, orgId) => buyPlan(staff, orgId, 'pro')],
  ['Demo pro yearly', (staff, orgId) => buyPlan(staff, orgId, 'pro', 12)],
  ['Demo team', (staff, orgId) => buyPlan(staff, orgId, 'team')],
  ['Demo enterprise', (staff, orgId) => lendCredit(staff, orgId, NET_DAYS)],
];

/** How many were made; the first customer of all (seed.ts) has agreed on no plan. */
export async function seedPlans(
  place: Pick<Endpoints, 'api' | 'apiBaseUrl' | 'adminToken' | 'stripe' | 'models'>,
): Promise<number> {
  const staff = new Staff(place);
  const before = await staff.list('/organizations');
  let made = 0;
  const known = async (name: string, begin: (orgId: string) => Promise<void>): Promise<string> => {
    const found = before.find((one) => one.name === name);
    if (found !== undefined) return found.id;
    const orgId = await newOrganization(staff, name, name + UNFINISHED);
    await begin(orgId);
    await staff.patch(`/organizations/${orgId}`, { name });
    made += 1;
    return orgId;
  };
  if (isNew(before.map(({ name = '' }) => name))) await seedDebtors({ ...place, staff, known });
  for (const [name, begin] of CUSTOMERS) await known(name, (orgId) => begin(staff, orgId));
  return made;
}

/** Months pass for debtors, and for nobody else: once there is anybody but them and the first customer, none are made. */
function isNew(names: readonly string[]): boolean {
  const own = [DEMO_CUSTOMER, ...DEBTORS, ...DEBTORS.map((name) => name + UNFINISHED)];
  return names.every((name) => own.includes(name));
}

async function giveTrial(staff: Staff, orgId: string): Promise<void> {
  await staff.patch(`/organizations/${orgId}`, { plan: 'free' });
  const expiresAt = new Date((await billingNow(staff)).getTime() + TRIAL_DAYS * DAY_MS).toISOString();
  await staff.post('/grants', { ...TRIAL, orgId, expiresAt });
}

async function payAsYouGo(staff: Staff, orgId: string): Promise<void> {
  await staff.patch(`/organizations/${orgId}`, { plan: 'pay_as_you_go' });
  await staff.post('/grants', { orgId, amountNano: FIRST_CREDIT_NANO });
}
