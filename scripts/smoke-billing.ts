// Three months on the demo clock: one customer's plan is renewed; one whose card pays no more goes down the ladder until his plan ends, and buys
// again; an enterprise that owes for its usage is limited, stopped by a person's decision, pays, and is served again.
import { z } from 'zod';
import { formatUsd } from '../domain/nano.ts';
import { buyPlan, emptyCard, newOrganization, Subscriptions } from './buying.ts';
import { advanceTo, billingNow, DAY_MS } from './demo-clock.ts';
import type { Endpoints } from './endpoints.ts';
import { type Invoice, Invoices, lendCredit, openUsageInvoice, useCredit } from './enterprises.ts';
import type { Launch } from './parts/home.ts';
import { Staff } from './staff.ts';

const NET_DAYS = 30;

const Organization = z.object({ overdueStage: z.enum(['none', 'limited', 'stopped']) });

interface Scene {
  readonly staff: Staff;
  readonly endpoints: Endpoints;
  readonly say: (text: string) => void;
}

/** @throws Error that says what did not come as it should. */
export async function liveThroughMonths(launch: Launch, endpoints: Endpoints): Promise<void> {
  const scene: Scene = { staff: new Staff(endpoints), endpoints, say: (text) => launch.say('billing', text) };
  const { staff, say } = scene;
  const [renewed, debtor] = [
    await newOrganization(staff, 'Smoke renewed'),
    await newOrganization(staff, 'Smoke debtor'),
  ];
  await buyPlan(staff, renewed, 'pro');
  await buyPlan(staff, debtor, 'pro');
  await emptyCard(endpoints.stripe, staff, debtor);
  const enterprise = await enterpriseThatOwes(scene);
  const begunMs = (await billingNow(staff)).getTime();

  await advanceTo(staff, begunMs + 32 * DAY_MS);
  await mustBe(scene, renewed, 'active', 'none');
  await mustBe(scene, debtor, 'past_due', 'none');
  say(`renewed: ${await paidInvoices(scene, renewed)} periods paid; debtor: declined and reminded`);
  await advanceTo(staff, begunMs + 39 * DAY_MS);
  await mustBe(scene, debtor, 'past_due', 'limited');
  await advanceTo(staff, begunMs + 46 * DAY_MS);
  await mustBe(scene, debtor, 'ended', 'none');
  await buyPlan(staff, debtor, 'pro');
  await mustBe(scene, debtor, 'active', 'none');
  say('debtor: reminded, limited, plan ended, bought again');
  await dunEnterprise(scene, enterprise);
}

/** Postpaid, with a month's usage of more than a dollar. */
async function enterpriseThatOwes({ staff, endpoints, say }: Scene): Promise<string> {
  const orgId = await newOrganization(staff, 'Smoke enterprise');
  await lendCredit(staff, orgId, NET_DAYS);
  const charge = await useCredit(staff, endpoints, orgId);
  say(`enterprise: ${formatUsd(charge)} USD used on credit`);
  return orgId;
}

async function dunEnterprise(scene: Scene, orgId: string): Promise<void> {
  const { staff, say } = scene;
  const invoice = await usageInvoice(scene, orgId);
  const dueMs = Date.parse(invoice.dueAt);
  await advanceTo(staff, dueMs + 17 * DAY_MS);
  await mustHaveStage(scene, orgId, 'limited');
  await advanceTo(staff, dueMs + 31 * DAY_MS);
  await mustHaveStage(scene, orgId, 'limited');
  await staff.ask(`/invoices/${invoice.id}/dunning/decide-stop`, { reason: 'he does not answer' }, z.looseObject({}));
  await advanceTo(staff, dueMs + 33 * DAY_MS);
  await mustHaveStage(scene, orgId, 'stopped');
  const receivedOn = (await billingNow(staff)).toISOString().slice(0, 10);
  const transfer = { amountCents: invoice.amountCents, reference: 'SMOKE', receivedOn, reason: 'it has arrived' };
  await staff.post(`/invoices/${invoice.id}/bank-transfers`, transfer);
  await mustHaveStage(scene, orgId, 'none');
  say('enterprise: invoiced, reminded, limited, stopped, paid, lifted');
}

/** Issued on the first of the month, which may have passed by now. */
async function usageInvoice(scene: Scene, orgId: string): Promise<Invoice> {
  for (let month = 0; month < 2; month += 1) {
    const usage = await openUsageInvoice(scene.staff, orgId);
    if (usage !== null) return usage;
    await advanceTo(scene.staff, (await billingNow(scene.staff)).getTime() + 31 * DAY_MS);
  }
  throw new Error('the enterprise was not invoiced');
}

async function paidInvoices({ staff }: Scene, orgId: string): Promise<number> {
  const { data } = await staff.read(`/organizations/${orgId}/invoices`, Invoices);
  return data.filter(({ state }) => state === 'paid').length;
}

async function mustBe(scene: Scene, orgId: string, phase: string, stage: string): Promise<void> {
  const { data } = await scene.staff.read(`/organizations/${orgId}/subscriptions`, Subscriptions);
  if (data[0]?.phase !== phase) throw new Error(`the subscription of ${orgId} is ${data[0]?.phase}, not ${phase}`);
  await mustHaveStage(scene, orgId, stage);
}

async function mustHaveStage({ staff }: Scene, orgId: string, stage: string): Promise<void> {
  const { overdueStage } = await staff.read(`/organizations/${orgId}`, Organization);
  if (overdueStage !== stage) throw new Error(`organization ${orgId} is ${overdueStage}, not ${stage}`);
}
