// Customers who pay afterwards, as staff and they themselves do it: credit is lent, used, and invoiced on the first of the next month.
import { z } from 'zod';
import { type Nano, sum } from '../domain/nano.ts';
import { makeBilledRequest } from './billed-request.ts';
import type { Endpoints } from './endpoints.ts';
import type { Staff } from './staff.ts';

const CREDIT_LINE_CENTS = 1_000_000;
/** Together more than a dollar: an invoice of less is not issued. */
const REQUESTS = 4;
const WORDS = 100_000;

const Invoice = z.object({
  id: z.string(),
  kind: z.string(),
  state: z.string(),
  amountCents: z.int(),
  issuedAt: z.iso.datetime(),
  dueAt: z.iso.datetime(),
});
export type Invoice = z.infer<typeof Invoice>;
export const Invoices = z.object({ data: z.array(Invoice) });

export async function lendCredit(staff: Staff, orgId: string, netDays: number): Promise<void> {
  const contract = { creditLineCents: CREDIT_LINE_CENTS, netDays, reason: 'a customer of the demo' };
  await staff.ask(`/organizations/${orgId}/contract`, contract, z.looseObject({}));
}

/** What it came to. */
export async function useCredit(
  staff: Staff,
  place: Pick<Endpoints, 'apiBaseUrl' | 'models'>,
  orgId: string,
): Promise<Nano> {
  const made = await staff.post('/api-keys', { orgId, name: 'usage' });
  const messages = [{ role: 'user', content: 'toll '.repeat(WORDS) }];
  const body = { model: place.models[0], max_tokens: 50, messages };
  const call = { name: 'usage on credit', path: '/chat/completions', body } as const;
  const customer = { apiBaseUrl: place.apiBaseUrl, customerKey: String(made.credential) };
  const charges: Nano[] = [];
  while (charges.length < REQUESTS) charges.push((await makeBilledRequest(customer, call)).charge);
  return sum(charges);
}

/** Null: none was issued yet, or it is paid. */
export async function openUsageInvoice(staff: Staff, orgId: string): Promise<Invoice | null> {
  const { data } = await staff.read(`/organizations/${orgId}/invoices`, Invoices);
  return data.find(({ kind, state }) => kind === 'usage' && state === 'open') ?? null;
}
