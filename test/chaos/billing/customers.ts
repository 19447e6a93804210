// Who buys during a billing campaign, and how it goes with each: most pay, some do not, and of those each leaves his debt by another way.
import { shuffled } from '../seeded-dice.ts';
import type { BillingOrder } from './billing-order.ts';

/** Ways out of a debt, and `owing`: still in it when the campaign ends. */
export const FATES = [
  'retry',
  'new_card',
  'pay_page',
  'last_day',
  'cancelled',
  'extended',
  'waived',
  'plan_changed',
  'plan_ended',
  'owing',
] as const;
export type Fate = (typeof FATES)[number] | 'steady' | 'upgrading' | 'yearly';

export interface Customer {
  readonly number: number;
  readonly fate: Fate;
  readonly plan: 'pro' | 'team';
  readonly months: 1 | 12;
  /** With which he buys. */
  readonly card: string;
  /** Left later and asked from then on: one that refuses, or one whose bank takes days. Null: none. */
  readonly laterCard: string | null;
  /** Days after the first one on which he buys. */
  readonly buysOnDay: number;
  /** The renewal, 1 or later, that his later card meets first. */
  readonly laterCardMeets: number;
}

const NO_DEBT = ['steady', 'steady', 'upgrading', 'yearly'] as const;

/** After these nothing is charged any more, so they come with the last renewal. */
const LAST = new Set<string>(['cancelled', 'waived', 'owing']);

/** So many debtors that each way is taken, and as many dunnings as were ordered. */
export function customersOf(order: BillingOrder, dice: () => number): Customer[] {
  const debtors = Math.max(order.dunnings, order.everyExit ? FATES.length : 0);
  const fates = Array.from({ length: order.subscriptions }, (_, index): Fate => {
    const ways: readonly Fate[] = index < debtors ? FATES : NO_DEBT;
    return ways[index % ways.length] ?? 'steady';
  });
  return shuffled(fates, dice).map((fate, number) => customer(order, number, fate, dice));
}

function customer(order: BillingOrder, number: number, fate: Fate, dice: () => number): Customer {
  const label = `~${number}`;
  const isDebtor = FATES.some((one) => one === fate);
  const renewals = order.periods - 1;
  return {
    number,
    fate,
    plan: fate === 'upgrading' || fate === 'plan_changed' || dice() < 0.8 ? 'pro' : 'team',
    months: fate === 'yearly' ? 12 : 1,
    card: `pm_card_visa${label}`,
    laterCard: isDebtor ? `${badCardOf(fate)}${label}` : dice() < 0.15 ? `pm_fake_processing${label}` : null,
    buysOnDay: Math.floor(dice() * order.buyingDays),
    laterCardMeets: LAST.has(fate) ? renewals : 1 + Math.floor(dice() * Math.max(1, renewals - 1)),
  };
}

function badCardOf(fate: Fate): string {
  if (fate === 'retry') return 'pm_fake_declines_insufficient_funds_2_times';
  return fate === 'new_card' ? 'pm_fake_declines_generic_decline' : 'pm_fake_declines_insufficient_funds';
}
