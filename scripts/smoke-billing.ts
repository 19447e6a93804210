// Three months on the demo clock: one customer's plan is renewed; one whose card pays no more goes down the ladder until his plan ends, and buys
// again; an enterprise that owes for its usage is limited, stopped by a person's decision, pays, and is served again.
import { z } from 'zod';
import { formatUsd, type Nano, sum } from '../domain/nano.ts';
import { makeBilledRequest } from './billed-request.ts';
import { buyPlan, emptyCard, newOrganization, Subscriptions } from './buying.ts';
import type { Endpoints } from './installation.ts';
import type { Launch } from './parts/home.ts';
import { Staff } from './staff.ts';

const DAY_MS = 86_400_000;
const NET_DAYS = 30;

const Advanced = z.object({ to: z.iso.datetime() });
const Clock = z.object({ now: z.iso.datetime() });
const Organization = z.object({ overdueStage: z.enum(['none', 'limited', 'stopped']) });
const Invoices = z.object({
  data: z.array(
    z.object({ id: z.string(), kind: z.string(), state: z.string(), amountCents: z.int(), dueAt: z.iso.datetime() }),
  ),
});

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
  const begunMs = Date.parse((await staff.read('/demo/clock', Clock)).now);

  await advanceTo(scene, begunMs + 32 * DAY_MS);
  await mustBe(scene, renewed, 'active', 'none');
  await mustBe(scene, debtor, 'past_due', 'none');
  say(`renewed: ${await paidInvoices(scene, renewed)} periods paid; debtor: declined and reminded`);
  await advanceTo(scene, begunMs + 39 * DAY_MS);
  await mustBe(scene, debtor, 'past_due', 'limited');
  await advanceTo(scene, begunMs + 46 * DAY_MS);
  await mustBe(scene, debtor, 'ended', 'none');
  await buyPlan(staff, debtor, 'pro');
  await mustBe(scene, debtor, 'active', 'none');
  say('debtor: reminded, limited, plan ended, bought again');
  await dunEnterprise(scene, enterprise);
}

/** Postpaid, with a month's usage of more than a dollar. */
async function enterpriseThatOwes({ staff, endpoints, say }: Scene): Promise<string> {
  const orgId = await newOrganization(staff, 'Smoke enterprise');
  await staff.ask(
    `/organizations/${orgId}/contract`,
    { creditLineCents: 1_000_000, netDays: NET_DAYS, reason: 'the smoke test' },
    z.looseObject({}),
  );
  const made = await staff.post('/api-keys', { orgId, name: 'smoke' });
  const charge = await spend(endpoints, String(made.credential));
  say(`enterprise: ${formatUsd(charge)} USD used on credit`);
  return orgId;
}

async function spend(endpoints: Endpoints, customerKey: string): Promise<Nano> {
  const messages = [{ role: 'user', content: 'toll '.repeat(100_000) }];
  const body = { model: endpoints.models[0], max_tokens: 50, messages };
  const call = { name: 'usage on credit', path: '/chat/completions', body } as const;
  const charges: Nano[] = [];
  while (charges.length < 4) charges.push((await makeBilledRequest({ ...endpoints, customerKey }, call)).charge);
  return sum(charges);
}

async function dunEnterprise(scene: Scene, orgId: string): Promise<void> {
  const { staff, say } = scene;
  const invoice = await usageInvoice(scene, orgId);
  const dueMs = Date.parse(invoice.dueAt);
  await advanceTo(scene, dueMs + 17 * DAY_MS);
  await mustHaveStage(scene, orgId, 'limited');
  await advanceTo(scene, dueMs + 31 * DAY_MS);
  await mustHaveStage(scene, orgId, 'limited');
  await staff.ask(`/invoices/${invoice.id}/dunning/decide-stop`, { reason: 'he does not answer' }, z.looseObject({}));
  await advanceTo(scene, dueMs + 33 * DAY_MS);
  await mustHaveStage(scene, orgId, 'stopped');
  const receivedOn = (await staff.read('/demo/clock', Clock)).now.slice(0, 10);
  const transfer = { amountCents: invoice.amountCents, reference: 'SMOKE', receivedOn, reason: 'it has arrived' };
  await staff.post(`/invoices/${invoice.id}/bank-transfers`, transfer);
  await mustHaveStage(scene, orgId, 'none');
  say('enterprise: invoiced, reminded, limited, stopped, paid, lifted');
}

/** Issued on the first of the month, which may have passed by now. */
async function usageInvoice(scene: Scene, orgId: string): Promise<z.infer<typeof Invoices>['data'][number]> {
  for (let month = 0; month < 2; month += 1) {
    const { data } = await scene.staff.read(`/organizations/${orgId}/invoices`, Invoices);
    const usage = data.find(({ kind, state }) => kind === 'usage' && state === 'open');
    if (usage !== undefined) return usage;
    await advanceTo(scene, Date.parse((await scene.staff.read('/demo/clock', Clock)).now) + 31 * DAY_MS);
  }
  throw new Error('the enterprise was not invoiced');
}

async function advanceTo({ staff }: Scene, untilMs: number): Promise<void> {
  const { now } = await staff.read('/demo/clock', Clock);
  const minutes = Math.ceil((untilMs - Date.parse(now)) / 60_000);
  if (minutes > 0) await staff.ask('/demo/clock', { advance: `${minutes} minutes` }, Advanced);
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
