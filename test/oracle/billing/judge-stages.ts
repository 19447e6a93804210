// What each organization may do, against the plain ladders. Of an unpaid renewal: after seven days it is limited, if it was warned a day
// before, and a week later its plan ends. Of unpaid usage: fifteen days after it was due it is limited, and fifteen later stopped, if a
// person has decided so. And against the product's own rule, which must say of the facts as they stand what is in force. The judge knows nothing of time that was added for a payment in doubt or by a person: nobody may be
// limited before the plain ladder says so, whatever happened; whether somebody is limited late is judged only of cases without such time,
// and with a day to spare, since a charge that was asked for twice stops the ladder while nobody knows.
import type { BillingFacts, Case } from './billing-facts.ts';
import { type BillingFinding, finding } from './billing-finding.ts';

const DAY_MS = 86_400_000;
const LIMITED_AFTER_MS = { renewal: 7 * DAY_MS, postpaid: 15 * DAY_MS } as const;
const PLAN_ENDS_AFTER_MS = 14 * DAY_MS;
const STOPPED_AFTER_MS = 30 * DAY_MS;
const TO_SPARE_MS = DAY_MS;

export function judgeStages(facts: BillingFacts): BillingFinding[] {
  const open = facts.cases.filter(({ closed }) => closed === null);
  return [
    ...facts.organizations.flatMap(({ id, overdueStage }) => {
      const own = open.filter(({ orgId }) => orgId === id);
      return judgeStage(facts, { id, overdueStage }, own);
    }),
    ...open.filter(({ policy }) => policy === 'renewal').flatMap((one) => judgeEnd(facts, one)),
    ...facts.organizations.flatMap(({ id, overdueStage }) => {
      const byRule = facts.stagesByRule.get(id) ?? 'none';
      return byRule === overdueStage
        ? []
        : [finding('stage_differs', id, `${overdueStage}, and ${byRule} by the rule`)];
    }),
  ];
}

function judgeStage(
  facts: BillingFacts,
  { id, overdueStage }: BillingFacts['organizations'][number],
  open: readonly Case[],
): BillingFinding[] {
  const nowMs = facts.now.getTime();
  const limits = open.map((one) => ({ limitMs: limitOf(facts, one), isPlain: isPlain(facts, one) }));
  const mayBe = limits.some(({ limitMs }) => limitMs <= nowMs);
  const mustBe = limits.some(({ limitMs, isPlain }) => isPlain && limitMs + TO_SPARE_MS <= nowMs);
  const mayStop = open.some((one) => stopOf(facts, one) <= nowMs);
  const since = open.map(({ openedAt }) => openedAt.toISOString()).join(', ') || 'never';
  if (overdueStage === 'stopped' && !mayStop) return [finding('stage_wrong', id, `stopped, and owes since ${since}`)];
  if (overdueStage === 'limited' && !mayBe) return [finding('stage_wrong', id, `limited, and owes since ${since}`)];
  if (overdueStage === 'none' && mustBe) return [finding('stage_wrong', id, `not limited, and owes since ${since}`)];
  return [];
}

function limitOf(facts: BillingFacts, { invoiceId, policy, dueAt }: Case): number {
  return Math.max(dueAt.getTime() + LIMITED_AFTER_MS[policy], warnedAt(facts, invoiceId, 'limit_warning') + DAY_MS);
}

/** Infinity: never, as of a plan, which is no debt, and without a person's decision. */
function stopOf(facts: BillingFacts, { invoiceId, policy, dueAt, stopDecidedAt }: Case): number {
  if (policy === 'renewal' || stopDecidedAt === null) return Number.POSITIVE_INFINITY;
  const warnedMs = warnedAt(facts, invoiceId, 'stop_warning') + DAY_MS;
  return Math.max(dueAt.getTime() + STOPPED_AFTER_MS, stopDecidedAt.getTime(), warnedMs);
}

/** Never: infinity. */
function warnedAt({ notices }: BillingFacts, invoiceId: string, warning: string): number {
  const times = notices.filter((one) => one.invoiceId === invoiceId && one.notice === warning);
  return Math.min(...times.map(({ handedOverAt }) => handedOverAt?.getTime() ?? Number.POSITIVE_INFINITY));
}

function isPlain({ outsideTheLadder }: BillingFacts, { invoiceId }: Case): boolean {
  return !outsideTheLadder.has(invoiceId);
}

function judgeEnd(facts: BillingFacts, one: Case): BillingFinding[] {
  if (!isPlain(facts, one)) return [];
  const endMs = Math.max(
    one.openedAt.getTime() + PLAN_ENDS_AFTER_MS,
    warnedAt(facts, one.invoiceId, 'plan_end_warning') + DAY_MS,
  );
  if (endMs + TO_SPARE_MS > facts.now.getTime()) return [];
  return [finding('case_left_open', one.invoiceId, `its plan should have ended on ${new Date(endMs).toISOString()}`)];
}
