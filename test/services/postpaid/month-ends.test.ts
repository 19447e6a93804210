// Months end while gateways hold leases and settle: whatever the order, each nano that was used of the line is invoiced once, and each
// request is told of once.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { nano, sum } from '../../../domain/nano.ts';
import type { Reservation } from '../../../services/leases/lease.ts';
import { issueDueInvoices, type UsageInvoice } from '../../../services/postpaid/usage-invoices.ts';
import { type BareGateway, type Customer, issueGrant, openBareGateway } from '../../support/bare-gateway.ts';
import { openPlanShop } from '../subscriptions/plan-shop.ts';
import { enterprise, holdAt, invoicesOf, settleAt, standing, transfer } from './enterprise.ts';

const shop = await openPlanShop();

const MODELS = ['small', 'large'] as const;
const LINE_CENTS = 20_000;

const Step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('hold' as const), at: fc.nat(1), nano: fc.bigInt(1n, 4_000_000_000n) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('settle' as const),
      permille: fc.integer({ min: 1, max: 1_010 }),
      modelAt: fc.nat(1),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), at: fc.nat(1) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('month_end' as const), settledMeanwhile: fc.nat(2) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('transfer' as const), permille: fc.integer({ min: 1, max: 1_000 }) }),
  },
);
const Grant = fc.constant({ kind: 'grant' } as const);
const length = { minLength: 4, maxLength: 14 };
type Taken<A> = A extends fc.Arbitrary<infer S> ? S : never;
type Step = Taken<typeof Step> | Taken<typeof Grant>;

interface Held {
  readonly at: number;
  readonly reservation: Reservation;
  readonly nano: bigint;
}

class Months {
  readonly #customer: Customer;
  readonly #gateways: BareGateway[];
  readonly #held: Held[] = [];
  readonly settled: { readonly modelId: string; readonly nano: bigint }[] = [];

  constructor(customer: Customer, gateways: BareGateway[]) {
    this.#customer = customer;
    this.#gateways = gateways;
  }

  async take(step: Step): Promise<void> {
    switch (step.kind) {
      case 'hold':
        return this.#hold(step.at, step.nano);
      case 'settle':
        return this.#settle(step.permille, step.modelAt);
      case 'restart':
        return this.#restart(step.at);
      case 'month_end': {
        const settling = Array.from({ length: step.settledMeanwhile }, (_, at) => this.#settle(700, at));
        await Promise.all([endMonth(), ...settling]);
        return;
      }
      case 'transfer': {
        const open = (await invoicesOf(shop, this.#customer)).find(({ remainingCents }) => remainingCents > 0);
        if (open === undefined) return;
        const part = Math.ceil((open.remainingCents * step.permille) / 1_000);
        await transfer(shop, open.invoiceId, part);
        return;
      }
      case 'grant':
        await issueGrant(shop.admin, this.#customer.orgId, { usd: '2' });
        return;
    }
  }

  /** Everything comes to rest, and more is used than all grants pay, so that the last month is invoiced. */
  async end(): Promise<void> {
    while (this.#held.length > 0) await this.#settle(1_000, 0);
    for (const at of this.#gateways.keys()) await this.#restart(at);
    await this.#hold(0, 31_000_000_000n);
    await this.#settle(1_000, 0);
    for (const gateway of this.#gateways) await gateway.close();
    await endMonth();
  }

  async #hold(at: number, amount: bigint): Promise<void> {
    const gateway = this.#gateways[at];
    if (gateway === undefined) return;
    // Where the line is used up, nothing is held.
    const reservation = await holdAt(gateway, this.#customer, amount).catch(() => null);
    if (reservation !== null) this.#held.push({ at, reservation, nano: amount });
  }

  async #settle(permille: number, modelAt: number): Promise<void> {
    const held = this.#held.shift();
    const gateway = this.#gateways[held?.at ?? -1];
    if (held === undefined || gateway === undefined) return;
    const request = { modelId: MODELS[modelAt] ?? 'small', nano: (held.nano * BigInt(permille)) / 1_000n + 1n };
    this.settled.push(request);
    await settleAt(gateway, shop, this.#customer, held.reservation, request);
  }

  async #restart(at: number): Promise<void> {
    for (const held of this.#held.filter((one) => one.at === at)) {
      this.#held.splice(this.#held.indexOf(held), 1);
      this.#gateways[at]?.leases.release(held.reservation);
    }
    await this.#gateways[at]?.close();
    this.#gateways[at] = await openBareGateway(shop.database);
  }
}

async function endMonth(): Promise<void> {
  const { rows } = await shop.admin.query<{ next: Date }>(
    `select (date_trunc('month', billing_now() at time zone 'UTC') + interval '1 month') at time zone 'UTC' as next`,
  );
  await shop.sleepUntil((rows[0]?.next ?? new Date(0)).toISOString());
  await issueDueInvoices(shop.db, null);
}

function toldOf(invoices: readonly UsageInvoice[], modelId: string): [number, bigint] {
  const lines = invoices
    .flatMap(({ lines }) => lines)
    .filter((line) => line.kind === 'usage' && line.modelId === modelId);
  const requests = lines.map((line) => (line.kind === 'usage' ? line.requests : 0));
  return [requests.reduce((a, b) => a + b, 0), sum(lines.map(({ amountNano }) => amountNano))];
}

/** Lives through the steps and to the end of the last month. */
async function lived(
  steps: readonly Step[],
): Promise<{ customer: Customer; months: Months; invoices: UsageInvoice[] }> {
  const customer = await enterprise(shop, LINE_CENTS);
  const months = new Months(customer, [await openBareGateway(shop.database), await openBareGateway(shop.database)]);
  for (const step of steps) await months.take(step);
  await months.end();
  return { customer, months, invoices: await invoicesOf(shop, customer) };
}

const runs = { numRuns: 4 };

test('whenever months end and whatever is held then, what was used of the line is invoiced once, to the nano', async () => {
  const steps = fc.array(fc.oneof({ weight: 6, arbitrary: Step }, { weight: 1, arbitrary: Grant }), length);
  await fc.assert(
    fc.asyncProperty(steps, async (taken) => {
      const { customer, months, invoices } = await lived(taken);

      const used = sum(months.settled.map((one) => nano(one.nano)));
      expect(sum(invoices.map(({ usageNano }) => usageNano))).toBe(used - (await paidByGrants(customer)));
      expect(await standing(shop, customer)).toMatchObject({ unbilled: '0.000000000', held: '0.000000000' });
      expect(await shop.differences()).toEqual([]);
    }),
    runs,
  );
});

test('each request is told of on one invoice, at what it was charged', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(Step, length), async (taken) => {
      const { months, invoices } = await lived(taken);

      const told = MODELS.map((modelId) => toldOf(invoices, modelId));
      const used = MODELS.map((modelId) => months.settled.filter((one) => one.modelId === modelId));
      expect(told).toEqual(used.map((some) => [some.length, sum(some.map((one) => nano(one.nano)))]));
    }),
    runs,
  );
});

async function paidByGrants({ orgId }: Customer): Promise<bigint> {
  const { rows } = await shop.admin.query<{ paid: string }>(
    `select coalesce(sum(g.amount_nano - b.available_nano), 0) as paid
       from credit_grants g join grant_balances b on b.grant_id = g.id where g.org_id = $1 and g.source = 'manual'`,
    [orgId],
  );
  return BigInt(rows[0]?.paid ?? 0);
}
