// Somebody with an account, for tests of what comes after it: made as the pages make it, without looking at them.
import { expect } from '@jest/globals';
import type { BrowserContext } from 'playwright-core';
import { CODE, type ConsoleSite } from './console-site.ts';

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
