// The steps of domain/provisioning.ts, as rows and money: each is made, or undone, in the transaction that says so in the application's row, so
// that both happened once or not at all. What is made has an id made of {application}:{step}.
import type { PoolClient } from 'pg';
import { cents, nanoOf } from '../../domain/cents.ts';
import type { ProvisioningFact, ProvisioningStep, StepAsk, StepDone } from '../../domain/provisioning.ts';
import { readCaps, replaceCaps } from '../organizations/caps.ts';
import { organization } from '../organizations/organizations.ts';
import { markProvisioning } from '../organizations/provisioning.ts';
import { idFor } from '../platform/ids.ts';
import { contract, contractInForce, endContract, makeContract } from '../postpaid/contracts.ts';
import { conversionObstacle, convertPlan } from '../subscriptions/conversion.ts';
import { adoptPlan } from '../subscriptions/plan-benefits.ts';
import { liveSubscriptionOf } from '../subscriptions/subscription-rows.ts';
import { type Application, approvedTerms } from './application-rows.ts';
import { sendWelcome } from './welcome.ts';

export const ONBOARDING_ACTOR = 'onboarding';

/** What came of it. The caller holds the organization. @throws TollgateError where trying again will not help */
export async function carryOut(tx: PoolClient, about: Application, ask: StepAsk): Promise<ProvisioningFact> {
  if (ask.kind === 'undo') {
    await undo(tx, about, ask.done);
    return { kind: 'step_undone', step: ask.done.step };
  }
  const { step, attempt } = ask;
  if (step === 'settle' || step === 'activate') {
    const obstacle = await conversionObstacle(tx, about.orgId);
    if (obstacle !== null) return { kind: 'step_waits', step, ...obstacle };
  }
  const code = await contractObstacle(tx, about, step);
  if (code !== null) return { kind: 'step_failed', step, why: { code, detail: about.orgId }, isRefused: true };
  return { kind: 'step_done', done: await make(tx, about, step, attempt) };
}

/** Somebody of ours has made a contract before it could, or ended its own meanwhile. Null: neither. */
async function contractObstacle(
  tx: PoolClient,
  { orgId, state }: Application,
  step: ProvisioningStep,
): Promise<'contract_in_force' | 'contract_replaced' | null> {
  const inForce = await contractInForce(tx, orgId);
  if (step === 'contract') return inForce === null ? null : 'contract_in_force';
  if (step !== 'activate') return null;
  const made = 'saga' in state.stage ? state.stage.saga.done.find((done) => done.step === 'contract') : undefined;
  return inForce?.id === made?.contractId ? null : 'contract_replaced';
}

async function make(tx: PoolClient, about: Application, step: ProvisioningStep, attempt: number): Promise<StepDone> {
  const { id, orgId } = about;
  switch (step) {
    case 'hold':
      await markProvisioning(tx, orgId, true);
      return { step };
    case 'settle':
      return { step };
    case 'contract':
      return makeItsContract(tx, about, attempt);
    case 'budget':
      return setBudget(tx, about);
    case 'activate': {
      const converted = await convertPlan(tx, orgId, idFor(`${id}:activate`), ONBOARDING_ACTOR);
      await markProvisioning(tx, orgId, false);
      return { step, subscriptionId: converted?.subscriptionId ?? null, creditedCents: converted?.creditedCents ?? 0 };
    }
    case 'welcome':
      return { step, validUntil: (await sendWelcome(tx, about)).validUntil.toISOString() };
  }
}

async function undo(tx: PoolClient, { orgId }: Application, done: StepDone): Promise<void> {
  switch (done.step) {
    case 'hold':
      await markProvisioning(tx, orgId, false);
      return;
    case 'settle':
      return;
    case 'contract': {
      const found = await contract(tx, orgId);
      const isIts = found.id === done.contractId;
      if (isIts && found.endedAt === null) await endContract(tx, found, ONBOARDING_ACTOR);
      // Somebody may have made another meanwhile, whose plan counts.
      if (isIts && (await liveSubscriptionOf(tx, orgId)) === null) await adoptPlan(tx, orgId, done.planVersionIdBefore);
      return;
    }
    case 'budget': {
      const { id, caps } = await organization(tx, orgId);
      const others = caps.filter(({ period }) => period !== 'month');
      const month = readCaps(done.capsBefore.filter(({ period }) => period === 'month'));
      return replaceCaps(tx, { orgId, scope: 'organization', scopeId: id }, [...others, ...month]);
    }
    case 'activate':
    case 'welcome':
      throw new Error(`${done.step} is past the point of no return`);
  }
}

/** Its seats, rates and price count at once, and nothing of its credit can be spent before `activate`. */
async function makeItsContract(tx: PoolClient, about: Application, attempt: number): Promise<StepDone> {
  const { id, orgId } = about;
  const { creditLineCents, netDays, priceOfListPpm } = approvedTerms(about);
  const contractId = idFor(`${id}:contract:${attempt}`);
  const { planVersionId: planVersionIdBefore } = await organization(tx, orgId);
  const note = `application ${id}`;
  const terms = { creditLineCents, netDays, priceOfListPpm, note, actor: ONBOARDING_ACTOR };
  await makeContract(tx, orgId, { id: contractId, ...terms });
  return { step: 'contract', contractId, planVersionIdBefore };
}

async function setBudget(tx: PoolClient, about: Application): Promise<StepDone> {
  const { orgId } = about;
  const { monthlyBudgetCents } = approvedTerms(about);
  const { caps } = await organization(tx, orgId);
  const capsBefore = caps.map(({ period, amountNano }) => ({ period, amountNano: amountNano.toString() }));
  if (monthlyBudgetCents !== null) {
    const month = { period: 'month', amountNano: nanoOf(cents(monthlyBudgetCents)) } as const;
    const others = caps.filter(({ period }) => period !== 'month');
    await replaceCaps(tx, { orgId, scope: 'organization', scopeId: orgId }, [...others, month]);
  }
  return { step: 'budget', capsBefore };
}
