// Enterprises of a billing campaign: each has used something on credit, is invoiced for it on the first of the month, does not pay, and leaves
// its debt by a way of its own, by what staff and bank do.
import { randomUUID } from 'node:crypto';
import { stockCatalogue } from '../catalogue.ts';
import { Management } from '../management.ts';
import { type BillingClock, insistently } from './billing-clock.ts';
import type { BillingProduct } from './billing-product.ts';
import type { Desk } from './desk.ts';
import { readOnce } from './read-once.ts';

export const ENTERPRISE_FATES = [
  'paid_when_due',
  'paid_in_parts',
  'time_given',
  'stopped_and_lifted',
  'written_off',
  'still_stopped',
] as const;
export type EnterpriseFate = (typeof ENTERPRISE_FATES)[number];

const DAY_MS = 86_400_000;
const NET_DAYS = 5;
/** One that is given more time keeps it for so long. */
const GIVEN_DAYS = 3;
/** After the day on which it was due: from then on the staff is asked. */
const DECISION_DAYS = 30;
const REQUESTS = 4;

export interface Enterprise {
  readonly fate: EnterpriseFate;
  readonly orgId: string;
  readonly done: Set<string>;
}

interface Debt {
  readonly orgId: string;
  readonly invoiceId: string;
  readonly amountCents: number;
  readonly dueAt: Date;
  readonly stage: 'none' | 'limited' | 'stopped';
}

export class Enterprises {
  readonly all: Enterprise[] = [];
  readonly #product: BillingProduct;
  readonly #desk: Desk;
  readonly #clock: BillingClock;

  constructor(product: BillingProduct, desk: Desk, clock: BillingClock) {
    this.#product = product;
    this.#desk = desk;
    this.#clock = clock;
  }

  /** Before anything is broken: what they owe is used now. */
  async open(count: number): Promise<void> {
    if (count === 0) return;
    const staff = new Management([this.#product.api], this.#product.adminToken);
    await stockCatalogue(staff, this.#product.demoUrl);
    for (let number = 0; number < count; number += 1) {
      const fate = ENTERPRISE_FATES[number % ENTERPRISE_FATES.length] ?? 'written_off';
      this.all.push({ fate, orgId: await this.#opened(staff, number), done: new Set() });
    }
  }

  async #opened(staff: Management, number: number): Promise<string> {
    const { id: orgId } = await staff.post<{ id: string }>('/organizations', { name: `Enterprise ${number}` });
    await this.#desk.sendBillsTo(orgId, `enterprise-${number}@chaos.example`);
    const terms = { creditLineCents: 1_000_000, netDays: NET_DAYS, reason: 'the campaign' };
    await staff.post(`/organizations/${orgId}/contract`, terms);
    const { credential } = await staff.post<{ credential: string }>('/api-keys', { orgId, name: 'campaign' });
    await this.#uses(credential);
    return orgId;
  }

  /** More than a dollar, which is the least that is invoiced. */
  async #uses(credential: string): Promise<void> {
    const messages = [{ role: 'user', content: 'toll '.repeat(100_000) }];
    for (let sent = 0; sent < REQUESTS; sent += 1) {
      const answer = await fetch(`${this.#product.api}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${credential}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'demo-chat', max_tokens: 50, messages }),
      });
      if (answer.status !== 200) throw new Error(`an enterprise was refused: ${answer.status} ${await answer.text()}`);
      await answer.arrayBuffer();
    }
  }

  async act(nowMs: number): Promise<void> {
    const debts = await this.#debts();
    for (const enterprise of this.all) {
      const debt = debts.find(({ orgId }) => orgId === enterprise.orgId);
      if (debt !== undefined) await this.#deals(enterprise, debt, nowMs);
    }
  }

  async #deals({ fate, done }: Enterprise, debt: Debt, nowMs: number): Promise<void> {
    const owesDays = (nowMs - debt.dueAt.getTime()) / DAY_MS;
    const { stage, amountCents } = debt;
    switch (fate) {
      case 'paid_when_due':
        if (owesDays >= 1) await this.#transfers(debt, amountCents);
        return;
      case 'paid_in_parts': {
        const half = Math.floor(amountCents / 2);
        // The second comes after the next leap; the first alone lifts nothing.
        const isFirst = !done.has('first half');
        if (stage !== 'limited') return;
        if ((await this.#transfers(debt, isFirst ? half : amountCents - half)) !== null) done.add('first half');
        return;
      }
      case 'time_given':
        if (stage === 'limited' && !done.has('time')) {
          const until = new Date(nowMs + GIVEN_DAYS * DAY_MS).toISOString();
          if ((await this.#orders(debt, 'extend', { until })) !== null) done.add('time');
        } else if (stage === 'limited') await this.#transfers(debt, amountCents);
        return;
      case 'written_off':
        if (stage === 'limited') await this.#orders(debt, 'waive');
        return;
      case 'stopped_and_lifted':
      case 'still_stopped':
        if (stage === 'stopped' && fate === 'stopped_and_lifted') await this.#transfers(debt, amountCents);
        if (owesDays < DECISION_DAYS || done.has('decided')) return;
        if ((await this.#orders(debt, 'decide-stop')) !== null) done.add('decided');
    }
  }

  #orders({ invoiceId }: Debt, what: string, body: object = {}): Promise<object | null> {
    return this.#desk.post<object>(`/invoices/${invoiceId}/dunning/${what}`, { reason: 'the campaign', ...body });
  }

  /** Null: the invoice does not want it. */
  async #transfers({ invoiceId }: Debt, amountCents: number): Promise<object | null> {
    const receivedOn = (await this.#clock.now()).toISOString().slice(0, 10);
    const transfer = { amountCents, reference: randomUUID(), receivedOn, reason: 'it has arrived' };
    return await this.#desk.post<object>(`/invoices/${invoiceId}/bank-transfers`, transfer);
  }

  async #debts(): Promise<Debt[]> {
    return await insistently(() => readOnce(this.#product.database, async (db) => (await db.query<Debt>(DEBTS)).rows));
  }
}

const DEBTS = `
  select d.org_id as "orgId", d.invoice_id as "invoiceId", i.amount_cents as "amountCents", i.due_at as "dueAt", o.overdue_stage as stage
    from dunnings d join invoices i on i.id = d.invoice_id join organizations o on o.id = d.org_id
   where d.closed is null and d.policy = 'postpaid'`;
