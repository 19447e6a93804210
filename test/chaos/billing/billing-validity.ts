// Whether a billing campaign proves anything: as much of everything as was ordered has happened, and every kill that counts was noticed by
// work that failed of it.
import type { BillingFacts } from '../../oracle/billing/billing-facts.ts';
import { atLeast, type Condition } from '../validity.ts';
import type { BillingHavoc } from './billing-havoc.ts';
import type { BillingOrder } from './billing-order.ts';
import { VICTIMS } from './complaints.ts';
import { EXIT_NAMES } from './exits.ts';
import { WEBHOOK_FAULTS } from './webhook-tally.ts';

export interface Outcome {
  readonly facts: BillingFacts;
  readonly havoc: BillingHavoc;
  /** What died without being asked to. */
  readonly unasked: readonly string[];
  readonly exits: ReadonlyMap<string, number>;
}

/** Of all kills, what each victim has at least: a sixth would be its fair share, and some go unnoticed. */
const LEAST_SHARE = 12;
const NO_FEWER = 1;

export function billingConditions(order: BillingOrder, { facts, havoc, unasked, exits }: Outcome): Condition[] {
  const paid = facts.invoices.filter(({ state }) => state === 'paid').length;
  const ofEach = Math.floor(order.kills / LEAST_SHARE);
  return [
    atLeast('kills that were noticed', havoc.counted.length, order.kills),
    ...VICTIMS.map((victim) => {
      const noticed = havoc.counted.filter((blow) => blow.victim === victim);
      const unnoticed = havoc.unnoticed.filter((blow) => blow.victim === victim).length;
      const who = by([
        ...noticed.map((blow) => blow.noticed?.by ?? ''),
        ...Array(unnoticed).fill('not counted: nobody'),
      ]);
      return atLeast(`kills of ${victim}, noticed by`, noticed.length, ofEach, who);
    }),
    ...WEBHOOK_FAULTS.map((fault) =>
      atLeast(`webhooks, ${fault}`, havoc.webhooks.countOf(fault), order.webhooksFaulted),
    ),
    atLeast('subscriptions', facts.subscriptions.length, order.subscriptions),
    atLeast('fewest periods asked for of a customer', fewestPeriods(facts), order.periods),
    atLeast('invoices paid', paid, order.subscriptions),
    atLeast('dunning runs', facts.cases.length, order.dunnings),
    ...EXIT_NAMES.map((name) => atLeast(`debtors ${name}`, exits.get(name) ?? 0, order.everyExit ? NO_FEWER : 0)),
    { name: 'deaths nobody asked for', figure: unasked.join('; ') || '0', met: unasked.length === 0 },
  ];
}

/** Paid or not: a month each, and a year is twelve. */
function fewestPeriods({ subscriptions, invoices, periods }: BillingFacts): number {
  const customers = new Set(subscriptions.map(({ orgId }) => orgId));
  const counts = [...customers].map((orgId) =>
    invoices
      .filter((one) => one.orgId === orgId && one.planVersionId !== null)
      .reduce((total, { id }) => total + (periods.find(({ invoiceId }) => invoiceId === id)?.months ?? 1), 0),
  );
  return Math.min(...counts);
}

/** " (worker-a 9, a client 3)" */
function by(who: readonly string[]): string {
  const counts = [...Map.groupBy(who, (one) => one)].map(([one, all]) => `${one} ${all.length}`);
  return counts.length === 0 ? '' : ` (${counts.join(', ')})`;
}
