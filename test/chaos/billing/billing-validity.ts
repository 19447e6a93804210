// Whether a billing campaign proves anything: as much of everything as was ordered has happened, and every kill was felt.
import type { BillingFacts } from '../../oracle/billing/billing-facts.ts';
import type { Condition } from '../validity.ts';
import type { BillingHavoc } from './billing-havoc.ts';
import type { BillingOrder } from './billing-order.ts';
import { type Customer, FATES } from './customers.ts';
import { VICTIMS } from './watch.ts';

export function billingConditions(
  order: BillingOrder,
  facts: BillingFacts,
  havoc: BillingHavoc,
  unasked: readonly string[],
  exits: ReadonlySet<Customer['fate']>,
): Condition[] {
  const paid = facts.invoices.filter(({ state }) => state === 'paid').length;
  const victims = order.kills >= VICTIMS.length ? VICTIMS : [];
  return [
    atLeast('kills that somebody felt', havoc.counted, order.kills),
    ...victims.map((victim) => atLeast(`kills of ${victim}`, havoc.count(victim), 1)),
    atLeast('subscriptions', facts.subscriptions.length, order.subscriptions),
    atLeast('invoices paid', paid, order.subscriptions),
    atLeast('dunning runs', facts.cases.length, order.dunnings),
    ...(order.everyExit ? FATES.map((fate) => atLeast(`debtors ${fate}`, exits.has(fate) ? 1 : 0, 1)) : []),
    { name: 'deaths nobody asked for', figure: unasked.join('; ') || '0', met: unasked.length === 0 },
  ];
}

function atLeast(name: string, figure: number, demanded: number): Condition {
  return { name, figure: `${figure} of ${demanded}`, met: figure >= demanded };
}
