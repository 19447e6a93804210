// By which ways out debts were left, as the books tell it: what became of the invoice, which stages its organization went through, and what it
// had been told before.
import type { BillingFacts, Case } from '../../oracle/billing/billing-facts.ts';
import type { Course } from './course.ts';
import { FATES, type Fate } from './customers.ts';
import { ENTERPRISE_FATES, type EnterpriseFate, type Enterprises } from './enterprises.ts';

interface Exit {
  /** Of the invoice, in the end. */
  readonly invoice: 'open' | 'paid' | 'void';
  readonly isClosed: boolean;
  /** All changes of stage that its organization has seen; absent: they do not matter. */
  readonly stages?: readonly string[];
  readonly told?: string;
}

const LIFTED = ['limited', 'none'];
const PAID = { invoice: 'paid', isClosed: true } as const;
const VOID = { invoice: 'void', isClosed: true } as const;

const EXITS: Readonly<Record<(typeof FATES)[number] | EnterpriseFate, Exit>> = {
  retry: { ...PAID, stages: [] },
  new_card: { ...PAID, stages: [] },
  pay_page: { ...PAID, stages: LIFTED },
  last_day: { ...PAID, stages: LIFTED, told: 'plan_end_warning' },
  cancelled: VOID,
  extended: PAID,
  waived: { ...VOID, stages: LIFTED },
  plan_changed: VOID,
  plan_ended: { ...VOID, stages: LIFTED, told: 'plan_end_warning' },
  owing: { invoice: 'open', isClosed: false },
  paid_when_due: { ...PAID, stages: [] },
  paid_in_parts: { ...PAID, stages: LIFTED },
  time_given: { ...PAID, stages: [...LIFTED, ...LIFTED] },
  stopped_and_lifted: { ...PAID, stages: ['limited', 'stopped', 'none'], told: 'stop_warning' },
  // Nobody asks for it any more, and it is not paid either.
  written_off: { invoice: 'open', isClosed: true, stages: LIFTED },
  still_stopped: { invoice: 'open', isClosed: false, stages: ['limited', 'stopped'] },
};
const BOUGHT_AGAIN = 'bought_again';
export const EXIT_NAMES: readonly string[] = [...FATES, BOUGHT_AGAIN, ...ENTERPRISE_FATES];

/** How many left by each. */
export function exitsTaken(facts: BillingFacts, { members }: Course, { all }: Enterprises): Map<string, number> {
  const taken = new Map<string, number>();
  const count = (name: string) => taken.set(name, (taken.get(name) ?? 0) + 1);
  const debtors = [...members.map(({ customer: { fate }, orgId }) => ({ fate, orgId })), ...all];
  for (const { fate, orgId } of debtors) {
    const exit = exitOf(fate);
    if (exit === null) continue;
    if (facts.cases.some((one) => one.orgId === orgId && isTaken(exit, one, facts))) count(fate);
    const phases = facts.subscriptions.filter((one) => one.orgId === orgId).map(({ phase }) => phase);
    if (fate === 'plan_ended' && phases.includes('ended') && phases.some((phase) => phase !== 'ended')) {
      count(BOUGHT_AGAIN);
    }
  }
  return taken;
}

function exitOf(fate: Fate | EnterpriseFate): Exit | null {
  return fate in EXITS ? EXITS[fate as keyof typeof EXITS] : null;
}

function isTaken(exit: Exit, { orgId, invoiceId, closed }: Case, facts: BillingFacts): boolean {
  const stages = facts.stageChanges.filter((one) => one.orgId === orgId).map(({ stage }) => stage);
  return (
    facts.invoices.some(({ id, state }) => id === invoiceId && state === exit.invoice) &&
    (closed !== null) === exit.isClosed &&
    (exit.stages === undefined || exit.stages.join() === stages.join()) &&
    (exit.told === undefined ||
      facts.notices.some((one) => one.invoiceId === invoiceId && one.notice === exit.told && one.handedOverAt !== null))
  );
}
