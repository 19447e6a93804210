// Somebody with an account, for tests of what comes after it: made as the pages make it, without looking at them.
import { expect } from '@jest/globals';
import type { BrowserContext } from 'playwright-core';
import type { StaffRole } from '../../domain/authorization.ts';
import { CODE, type ConsoleSite, type Looks, type Visit } from './console-site.ts';

export const PASSWORD = 'four plain words suffice';

export interface Account {
  readonly email: string;
  /** His own organization. */
  readonly orgId: string;
}

let made = 0;

/** Signed in in this browser. */
export async function signUp(
  site: ConsoleSite,
  context: BrowserContext,
  { name = 'Ada Lovelace', locale = 'en' }: { readonly name?: string; readonly locale?: 'en' | 'zh' } = {},
): Promise<Account> {
  made += 1;
  const email = `ada-${made}@lovelace.example`;
  const headers = { origin: site.product.api };
  const post = (path: string, data: object) =>
    context.request.post(`${site.product.api}/api/v1${path}`, { data, headers });
  const asked = await post('/sign-ups', { email, password: PASSWORD, name, locale, timeZone: 'Europe/Berlin' });
  expect(asked.status()).toBe(202);
  const confirmed = await post('/sign-ups/confirm', { email, code: await site.mailedTo(email, CODE) });
  expect(confirmed.status()).toBe(200);
  const me = (await confirmed.json()) as { readonly memberships: readonly { readonly orgId: string }[] };
  return { email, orgId: me.memberships[0]?.orgId ?? 'none' };
}

/** One of our staff, signed in, in a browser of his own. */
export async function colleague(
  site: ConsoleSite,
  name: string,
  role: StaffRole,
  looks: Partial<Looks> = {},
): Promise<Visit> {
  const visit = await site.visit(looks);
  const { email } = await signUp(site, visit.context, { name, locale: looks.language ?? 'en' });
  await site.product.admin.query(
    'insert into staff_roles (person_id, role) select id, $2 from persons where email = $1',
    [email, role],
  );
  await secondFactorOf(site, email);
  return visit;
}

/** That he has one lets him in; nobody asks here whose seal it has. */
export async function secondFactorOf(site: ConsoleSite, email: string): Promise<void> {
  await site.product.admin.query(
    `insert into auth.second_factors (person_id, sealed, master_key_version, enrolled_at)
     select id, '{"v": 1}', 1, clock_timestamp() from persons where email = $1`,
    [email],
  );
}
