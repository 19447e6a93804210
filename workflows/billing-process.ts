// The course of every process of billing: look at the row, tell where it stands, have Stripe asked for what the row asks, wait for time or
// news, look again. A run keeps nothing but which questions are under way: everything else is in the row, so one that was
// terminated and one that goes on in a new run both begin by looking (D57).
import { ActivityFailure, type SearchAttributeUpdatePair } from '@temporalio/common';
import {
  allHandlersFinished,
  condition,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { AT_ONCE, PAY } from './activity-presets.ts';
import { type CardActivities, type CardAsk, type ProcessView, poke } from './contracts/billing-process.ts';
import {
  ACCOUNT_ID,
  AMOUNT_DUE_CENTS,
  BILLING_STAGE,
  NEEDS_ATTENTION,
  NEXT_ACTION_AT,
} from './contracts/search-attributes.ts';

const HOUR_MS = 3_600_000;
/** The longest month: a cycle fits into a run, and no run outlives its payload key and the code it began under by more than that. */
const LONGEST_RUN_MS = 31 * 24 * HOUR_MS;
/** What Stripe refused outright is asked again when somebody pokes, and so often. */
const AFTER_A_REFUSAL_MS = HOUR_MS;

const pay = proxyActivities<CardActivities>(PAY);
const atOnce = proxyLocalActivities<CardActivities>(AT_ONCE);

export interface BillingCase<View extends ProcessView> {
  look(): Promise<View>;
  stageOf(view: View): string;
  /** Null: nothing is owed, or how much is said elsewhere. */
  amountDueCents(view: View): number | null;
  /** As markdown. */
  describe(view: View, attention: string | null): string;
  /** What it waits for is the end of a cycle. The next one is a run of its own. */
  isLastOfCycle(view: View): boolean;
}

export class BillingProcess<View extends ProcessView> {
  readonly #case: BillingCase<View>;
  readonly #underWay = new Set<string>();
  #isNews = false;
  /** As the last answer of Stripe has left the row, while there is no other news (D75). */
  #seen: View | null = null;
  /** Of the newest row that it has seen: an answer may come after the news of what changed the row behind it. */
  #revision = 0;
  #refusal: string | null = null;

  /** Before anything is awaited: it may have been poked before it began. */
  constructor(about: BillingCase<View>) {
    this.#case = about;
    setHandler(poke, () => this.news());
  }

  /** The row has changed, or may have. */
  news(): void {
    this.#isNews = true;
    this.#seen = null;
  }

  /** With no command left unanswered. `isDue`: it begins because something is. */
  async run(isDue = false): Promise<'ended' | 'goes_on'> {
    if (isDue) await this.#haveWhatIsDue();
    for (;;) {
      const result = await this.#untilItRests();
      await condition(allHandlersFinished);
      // What came in the last moment is looked at: here at the end of a case, by the next run otherwise.
      if (result === 'goes_on' || !this.#isNews) return result;
    }
  }

  async #untilItRests(): Promise<'ended' | 'goes_on'> {
    for (;;) {
      this.#isNews = false;
      const view = this.#seen ?? (await this.#case.look());
      this.#seen = null;
      this.#revision = view.revision;
      if (this.#isNews) continue;
      const refusal = this.#refusal;
      this.#refusal = null;
      this.#tell(view, view.attention ?? refusal);
      if (refusal === null) for (const ask of view.asks) this.#have(ask);
      if (this.#underWay.size > 0) await condition(() => this.#isNews);
      else if (view.hasEnded && refusal === null) return 'ended';
      else if (workflowInfo().continueAsNewSuggested) return 'goes_on';
      else if (!(await this.#newsWithin(view, refusal === null ? null : AFTER_A_REFUSAL_MS))) {
        if (this.#restOfRunMs() <= 0 || (refusal === null && this.#case.isLastOfCycle(view))) return 'goes_on';
      }
    }
  }

  /** Mostly that asks Stripe for something: it is looked up and asked for in one step of the four that a renewal would take (D84). */
  async #haveWhatIsDue(): Promise<void> {
    this.#seen = await atOnce.lookAndAsk().then(
      (seen) => seen as View,
      () => null,
    );
  }

  /** Meanwhile it may be looked at again: what has been asked is not asked twice. */
  #have(ask: CardAsk): void {
    const question = JSON.stringify(ask);
    if (this.#underWay.has(question)) return;
    const summary = `${ask.kind} of ${askedFor(ask)}`;
    this.#underWay.add(question);
    const answered = (seen: ProcessView | null): void => {
      this.#underWay.delete(question);
      const isOnlyNews = !this.#isNews;
      this.news();
      // Of this process: whoever asks is told of his own row.
      if (isOnlyNews && (seen?.revision ?? -1) >= this.#revision) this.#seen = seen as View;
    };
    pay.answerCardAsk.executeWithOptions({ ...PAY, summary }, [ask]).then(answered, (error: unknown) => {
      this.#refusal = `${summary}: ${refusalIn(error)}`;
      answered(null);
    });
  }

  #newsWithin({ waitMs, wakeAt }: View, atMostMs: number | null): Promise<boolean> {
    const waits = [this.#restOfRunMs(), waitMs, atMostMs].filter((ms) => ms !== null);
    const summary = wakeAt === null ? 'until there is news' : `until ${wakeAt}, or news`;
    return condition(() => this.#isNews, Math.max(1, Math.min(...waits)), { summary });
  }

  #restOfRunMs(): number {
    return workflowInfo().startTime.getTime() + LONGEST_RUN_MS - Date.now();
  }

  #tell(view: View, attention: string | null): void {
    setCurrentDetails(this.#case.describe(view, attention));
    // Not for the seconds in which Stripe answers: each change is an event of the history, and a row in every list.
    if (view.asks.length > 0 && attention === null) return;
    const known = workflowInfo().typedSearchAttributes;
    const changed = this.#attributes(view, attention).filter(
      ({ key: attribute, value }) => plain(known.get(attribute)) !== plain(value),
    );
    if (changed.length > 0) upsertSearchAttributes(changed);
  }

  #attributes(view: View, attention: string | null): SearchAttributeUpdatePair[] {
    return [
      { key: ACCOUNT_ID, value: view.orgId },
      { key: BILLING_STAGE, value: this.#case.stageOf(view) },
      { key: AMOUNT_DUE_CENTS, value: this.#case.amountDueCents(view) },
      { key: NEXT_ACTION_AT, value: view.wakeAt === null ? null : new Date(view.wakeAt) },
      { key: NEEDS_ATTENTION, value: attention !== null },
    ];
  }
}

function askedFor(ask: CardAsk): string {
  return ask.kind === 'top_up' ? ask.paymentId : ask.invoiceId;
}

function plain(value: unknown): unknown {
  return value instanceof Date ? value.getTime() : (value ?? null);
}

function refusalIn(error: unknown): string {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}
