// What Stripe's tax reports are told: each sale once its money is in or its usage is invoiced, and what went back of it. What is to be told is a
// row of the transaction in which it happened (migrations/0014), so none is lost; its id is the reference at Stripe, so none is told twice.
// Late is no harm: what cannot be told now is tried again, by the hour at last, also when the calculation has expired in between.
import type { Pool } from 'pg';
import type { StripeApi } from '../payments/stripe-api.ts';
import type { TaxBooking, TaxedAs } from '../payments/stripe-taxes.ts';
import { oneByOne } from '../platform/one-by-one.ts';

interface DueReport {
  readonly id: string;
  readonly orgId: string;
  readonly kind: 'sale' | 'reversal' | 'restored';
  readonly netCents: number;
  readonly taxCents: number;
  readonly calculation: string | null;
  readonly taxCode: string;
  readonly taxedAs: TaxedAs;
  readonly faults: number;
  /** Of a reversal: whether all of the sale went back, and by what Stripe knows the sale. */
  readonly isAll: boolean;
  readonly saleTransaction: string | null;
  readonly saleLine: string | null;
}

/** What a part is rounded by, and no more. */
const TOLERATED_CENTS = 1;

/** All that is due; one that cannot be told does not hold up the others. */
export async function reportTaxes(db: Pool, stripe: StripeApi): Promise<void> {
  // A sale comes before what went back of it.
  for (const kinds of [['sale'], ['reversal', 'restored']]) {
    await oneByOne(await dueReports(db, kinds), (due) =>
      report(db, stripe, due).catch(async (error: unknown) => {
        await postpone(db, due.id, error);
        throw error;
      }),
    );
  }
}

async function dueReports(db: Pool, kinds: readonly string[]): Promise<DueReport[]> {
  const { rows } = await db.query<DueReport>(
    `select t.id, t.org_id as "orgId", t.kind, t.net_cents as "netCents", t.tax_cents as "taxCents", t.stripe_calculation as calculation,
            c.tax_code as "taxCode", c.taxed_as as "taxedAs", t.faults, coalesce((t.net_cents, t.tax_cents) = (s.net_cents, s.tax_cents), false) as "isAll",
            s.stripe_transaction as "saleTransaction", s.stripe_line as "saleLine"
       from tax_transactions t join tax_calculations c on c.id = t.calculation left join tax_transactions s on s.id = t.of_sale
      where t.told_at is null and t.due_at <= clock_timestamp() and t.kind = any ($1) and (s.id is null or s.told_at is not null)
      order by t.at, t.id limit 500`,
    [kinds],
  );
  return rows;
}

async function report(db: Pool, stripe: StripeApi, due: DueReport): Promise<void> {
  let { calculation } = due;
  for (;;) {
    if (due.kind !== 'reversal') calculation ??= await calculatedAnew(db, stripe, due);
    const booking = await booked(stripe, due, calculation);
    if (booking === 'fault_kept') {
      await db.query('update tax_transactions set faults = faults + 1 where id = $1', [due.id]);
      throw new Error('Stripe repeats a fault under this key, and is asked under another one');
    }
    if (booking !== 'expired') return keepBooking(db, due.id, booking);
    calculation = null;
  }
}

function booked(
  stripe: StripeApi,
  { id, kind, isAll, netCents, taxCents, saleTransaction, saleLine, faults }: DueReport,
  calculation: string | null,
): Promise<TaxBooking> {
  if (kind !== 'reversal') return stripe.taxes.book(id, String(calculation), faults);
  if (saleTransaction === null || saleLine === null) {
    throw new Error('Stripe has the sale and its answer was lost, so that this cannot say what it takes back');
  }
  const part = isAll ? null : { line: saleLine, netCents, taxCents };
  return stripe.taxes.reverse({ reference: id, transaction: saleTransaction, part }, faults);
}

/** Of what the buyer was then. Whether its tax is still what he paid is not for us to overlook. */
async function calculatedAnew(
  db: Pool,
  stripe: StripeApi,
  { id, orgId, netCents, taxCents, taxCode, taxedAs }: DueReport,
): Promise<string> {
  const anew = await stripe.taxes.calculate({ orgId, netCents, taxCode, taxedAs });
  if (Math.abs(anew.taxCents - taxCents) > TOLERATED_CENTS) {
    throw new Error(`by now Stripe reckons ${anew.taxCents} cents of tax where ${taxCents} were charged`);
  }
  await db.query('update tax_transactions set stripe_calculation = $2 where id = $1', [id, anew.id]);
  return anew.id;
}

async function keepBooking(
  db: Pool,
  id: string,
  booking: Exclude<TaxBooking, 'expired' | 'fault_kept'>,
): Promise<void> {
  const { transaction, line } = booking === 'known' ? { transaction: null, line: null } : booking;
  await db.query(
    'update tax_transactions set stripe_transaction = $2, stripe_line = $3, told_at = clock_timestamp(), error = null where id = $1 and told_at is null',
    [id, transaction, line],
  );
}

async function postpone(db: Pool, id: string, error: unknown): Promise<void> {
  await db.query(
    `update tax_transactions
        set tries = tries + 1, error = $2, due_at = clock_timestamp() + least(interval '1 hour', interval '10 seconds' * 2 ^ least(tries, 10))
      where id = $1 and told_at is null`,
    [id, String(error).slice(0, 500)],
  );
}
