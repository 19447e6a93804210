// One customer on each plan, so that a first look at a demo finds something in every state. Whoever is there by his name was made by an earlier
// start; what time has made of him since is his own affair.
import { z } from 'zod';
import { buyPlan, newOrganization } from './buying.ts';
import type { Staff } from './staff.ts';

const TRIAL = { amountNano: '1000000000', source: 'trial' } as const;
const TRIAL_DAYS = 30;
const FIRST_CREDIT_NANO = '10000000000';
const DAY_MS = 86_400_000;

type Begin = (staff: Staff, orgId: string) => Promise<void>;

const CUSTOMERS: readonly (readonly [name: string, begin: Begin])[] = [
  ['Demo free', giveTrial],
  ['Demo pay as you go', payAsYouGo],
  ['Demo pro', (staff, orgId) => buyPlan(staff, orgId, 'pro')],
  ['Demo pro yearly', (staff, orgId) => buyPlan(staff, orgId, 'pro', 12)],
  ['Demo team', (staff, orgId) => buyPlan(staff, orgId, 'team')],
  ['Demo enterprise', lendCredit],
];

/** How many were made; the first customer of all (seed.ts) has agreed on no plan. */
export async function seedPlans(staff: Staff): Promise<number> {
  const known = new Set((await staff.list('/organizations')).map(({ name }) => name));
  const missing = CUSTOMERS.filter(([name]) => !known.has(name));
  for (const [name, begin] of missing) await begin(staff, await newOrganization(staff, name));
  return missing.length;
}

async function giveTrial(staff: Staff, orgId: string): Promise<void> {
  await staff.patch(`/organizations/${orgId}`, { plan: 'free' });
  const { now } = await staff.read('/demo/clock', z.object({ now: z.iso.datetime() }));
  const expiresAt = new Date(Date.parse(now) + TRIAL_DAYS * DAY_MS).toISOString();
  await staff.post('/grants', { ...TRIAL, orgId, expiresAt });
}

async function payAsYouGo(staff: Staff, orgId: string): Promise<void> {
  await staff.patch(`/organizations/${orgId}`, { plan: 'pay_as_you_go' });
  await staff.post('/grants', { orgId, amountNano: FIRST_CREDIT_NANO });
}

/** Net 30. */
async function lendCredit(staff: Staff, orgId: string): Promise<void> {
  const contract = { creditLineCents: 1_000_000, netDays: 30, reason: 'a customer of the demo' };
  await staff.ask(`/organizations/${orgId}/contract`, contract, z.looseObject({}));
}
