// Single sign-on by the pages: an owner sets it up, tries it and requires it; his people come in by it, each in the way that is his.
import { expect } from '@jest/globals';
import type { Page } from 'playwright-core';
import { Authenticator } from '../api/routes/authenticator.ts';
import type { IdentityProviderServer } from '../support/identity-provider.ts';
import { type ConsoleSite, picture, type Visit } from './console-site.ts';
import { PASSWORD, signUp } from './person.ts';
import { expectWellMadeInBoth } from './well-made.ts';

const dialog = (page: Page) => page.getByRole('dialog');
const region = (page: Page) => page.getByRole('region', { name: 'Single sign-on' });

/** With an app whose codes are right. */
export async function ownerWithApp(site: ConsoleSite, { context }: Visit, name: string) {
  const account = await signUp(site, context, { name });
  const post = (path: string, data: object) =>
    context.request.post(`${site.product.api}/api/v1${path}`, { data, headers: { origin: site.product.api } });
  const begun = (await (await post('/me/second-factor', { password: PASSWORD })).json()) as {
    readonly totpUri: string;
  };
  const authenticator = new Authenticator(begun.totpUri);
  expect((await post('/me/second-factor/confirm', { code: authenticator.code() })).status()).toBe(200);
  return { ...account, authenticator };
}

/** By one of our staff, on the customer's page. */
export async function domainConfirmed(site: ConsoleSite, page: Page, orgId: string, domain: string): Promise<void> {
  await page.goto(`${site.url}/staff/customers/${orgId}`);
  await page.getByRole('button', { name: 'Confirm a domain' }).click();
  await dialog(page).getByLabel('Domain').fill('gmail.com');
  await dialog(page).getByLabel('Why?').fill('The invoice was paid from it');
  await dialog(page).getByRole('button', { name: 'Confirm a domain' }).click();
  await dialog(page).getByText('This was not accepted').waitFor();
  await dialog(page).getByLabel('Domain').fill(domain);
  await picture(page, 'mail-domain-refused');
  await dialog(page).getByRole('button', { name: 'Confirm a domain' }).click();
  await dialog(page).waitFor({ state: 'detached' });
  await page.getByRole('button', { name: `Take back ${domain}` }).waitFor();
}

export class OwnersTeamPage {
  readonly #site: ConsoleSite;
  readonly #page: Page;
  readonly #authenticator: Authenticator;

  constructor(site: ConsoleSite, page: Page, authenticator: Authenticator) {
    this.#site = site;
    this.#page = page;
    this.#authenticator = authenticator;
  }

  /** That it is he; a code that was used before is good again. */
  async #prove(): Promise<void> {
    await this.#site.product.admin.query('update auth.second_factors set last_step = 0');
    await dialog(this.#page).getByLabel('Your current password').fill(PASSWORD);
    await dialog(this.#page).getByLabel('Code', { exact: true }).fill(this.#authenticator.code());
  }

  async name({ issuer, clientId, clientSecret }: IdentityProviderServer): Promise<void> {
    const page = this.#page;
    await region(page).getByRole('button', { name: 'Set it up' }).click();
    await dialog(page).getByLabel('Issuer').fill('login.example.com');
    await dialog(page).getByRole('button', { name: 'Save' }).click();
    await dialog(page).getByText('Enter an address, as in https').waitFor();
    await expectWellMadeInBoth(page, 'single-sign-on-naming');
    await dialog(page).getByLabel('Issuer').fill(issuer);
    await dialog(page).getByLabel('Client ID').fill(clientId);
    await dialog(page).getByLabel('Client secret', { exact: true }).fill(clientSecret);
    await dialog(page).getByLabel('Whoever was not invited').selectOption('developer');
    await this.#prove();
    await dialog(page).getByRole('button', { name: 'Save' }).click();
    await region(page).getByText('Not tried yet').waitFor();
  }

  async tryIt(number: string): Promise<void> {
    await region(this.#page).getByRole('button', { name: 'Try it' }).click();
    await this.#prove();
    await dialog(this.#page).getByRole('button', { name: 'Continue' }).click();
    await signInThere(this.#page, number);
    await region(this.#page).getByText('Offered', { exact: true }).waitFor();
    expect(new URL(this.#page.url()).search).toBe('');
  }

  async require(): Promise<void> {
    await region(this.#page).getByRole('button', { name: 'Require it' }).click();
    await this.#prove();
    await picture(this.#page, 'single-sign-on-requiring');
    await dialog(this.#page).getByRole('button', { name: 'Require it' }).click();
    await region(this.#page).getByText('Required', { exact: true }).waitFor();
    await expectWellMadeInBoth(this.#page, 'single-sign-on-required');
  }
}

/** On the page of the provider, without a mouse. */
async function signInThere(page: Page, number: string): Promise<void> {
  await page.getByLabel('Number').fill(number);
  await page.keyboard.press('Enter');
}

/** From the page for signing in, in Chinese and without a mouse. */
export async function comeInByCompany(site: ConsoleSite, page: Page, email: string, number: string): Promise<void> {
  await page.goto(`${site.url}/sign-in`);
  await page.getByRole('link', { name: '通过企业账号登录' }).press('Enter');
  await page.getByRole('heading', { name: '通过企业账号登录' }).waitFor();
  await page.getByLabel('邮箱地址').fill('ada@nobodys.example');
  await page.keyboard.press('Enter');
  await page.getByText('没有组织使用此域名').waitFor();
  await expectWellMadeInBoth(page, 'single-sign-on-unknown');
  await page.getByLabel('邮箱地址').fill(email);
  await page.keyboard.press('Enter');
  await signInThere(page, number);
}

/** Of a member without a password: what asks for one sends him to his provider first. */
export async function provedByCompany(site: ConsoleSite, page: Page, number: string): Promise<void> {
  await page.goto(`${site.url}/account`);
  await page.getByRole('button', { name: '更换邮箱' }).click();
  await dialog(page).getByRole('button', { name: '证明是我本人' }).waitFor();
  await expectWellMadeInBoth(page, 'presence-asked');
  await dialog(page).getByRole('button', { name: '证明是我本人' }).click();
  await signInThere(page, number);
  await page.getByRole('button', { name: '更换邮箱' }).click();
  await dialog(page).getByText('您刚刚已证明是您本人').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('region', { name: '单点登录' }).waitFor();
  await expectWellMadeInBoth(page, 'account-by-company');
}

/** Who has a password, and belongs to it by his company's word alone: he says by a link that it is he, and reaches it by nothing else. */
export async function connectedByLink(site: ConsoleSite, page: Page, email: string, number: string): Promise<void> {
  const byCompany = async () => {
    await page.goto(`${site.url}/single-sign-on`);
    await page.getByLabel('Mail address').fill(email);
    await page.getByRole('button', { name: 'Continue' }).click();
    await signInThere(page, number);
  };
  await byCompany();
  await page.getByRole('heading', { name: 'Look into your mail' }).waitFor();
  await picture(page, 'identity-link-sent');
  await page.goto(await site.mailedTo(email, /http\S+\/console\/connect#\S+/));
  await expectWellMadeInBoth(page, 'identity-link');
  expect(page.url()).not.toContain('#');
  await page.getByRole('button', { name: 'It was me' }).click();
  await page.getByRole('heading', { name: 'Your company account is connected' }).waitFor();

  await page.goto(`${site.url}/`);
  await page.getByRole('button', { name: /^Organization:/ }).click();
  await page.getByRole('menuitem', { name: 'Jacquard Looms' }).click();
  await page.getByText('reached by its single sign-on alone').waitFor();
  await expectWellMadeInBoth(page, 'single-sign-on-barrier');
  await page.getByRole('link', { name: 'Sign in with your company' }).click();
  await page.getByRole('heading', { name: 'Sign in with your company' }).waitFor();
  await page.getByLabel('Mail address').fill(email);
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  await page.getByRole('link', { name: 'Team' }).click();
  await page.getByRole('heading', { name: 'Team' }).waitFor();
}
