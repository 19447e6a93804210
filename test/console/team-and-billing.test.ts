// Who runs an organization brings people in and lets them go, buys credit and a plan, and when its renewal is declined sees on every page how
// to pay: by the pages alone, with Stripe's in between.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { BrowserContext, Page } from 'playwright-core';
import { settleCardAsks } from '../../services/payments/card-asks.ts';
import { StripeApi } from '../../services/payments/stripe-api.ts';
import { createPool } from '../../services/platform/postgres.ts';
import { Subscriptions } from '../../services/subscriptions/subscriptions.ts';
import { client, control } from '../fake-stripe/stripe-client.ts';
import { type StripeProcess, startStripeProcess } from '../support/stripe-process.ts';
import { until } from '../support/until.ts';
import { barriersOn } from './accessibility.ts';
import { type ConsoleSite, expectNoSidewaysScrolling, type Looks, openConsoleSite, picture } from './console-site.ts';
import { type Account, colleague, signUp } from './person.ts';
import { call } from './waiting-applications.ts';

const STRIPE_KEY = 'sk_test_of_the_console_tests';
const WEBHOOK_SECRET = 'whsec_of_the_console_tests';
/** Beside English in the light on a wide screen, in which all is done here. */
const LOOKS: readonly Looks[] = [
  { language: 'en', scheme: 'dark', width: 1280 },
  { language: 'zh', scheme: 'light', width: 375 },
];

let stripe: StripeProcess;
let site: ConsoleSite;

beforeAll(async () => {
  stripe = await startStripeProcess();
  site = await openConsoleSite({
    STRIPE_SECRET_KEY: STRIPE_KEY,
    STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET,
    STRIPE_API_BASE: stripe.url,
  });
  await control(stripe.url, 'webhooks', { url: `${site.product.api}/webhooks/stripe`, secret: WEBHOOK_SECRET });
});
afterAll(async () => {
  await site.close();
  await stripe.close();
});

async function settled(page: Page): Promise<void> {
  await page.locator('h1').waitFor();
  await page.locator('[aria-busy="true"]').first().waitFor({ state: 'detached' });
}

async function expectWellMade(page: Page, name: string): Promise<void> {
  await settled(page);
  await picture(page, name);
  expect([name, await barriersOn(page)]).toEqual([name, []]);
  await expectNoSidewaysScrolling(page);
}

/** The same person, with another browser. */
async function seenAs(context: BrowserContext, looks: Looks, paths: readonly string[]): Promise<void> {
  const visit = await site.visit(looks);
  await visit.context.addCookies(await context.cookies());
  for (const path of paths) {
    await visit.page.goto(site.url + path);
    const name = path.split('/').at(-1) ?? '';
    await expectWellMade(visit.page, `${name}-${looks.language}-${looks.scheme}-${looks.width}`);
  }
  expect(visit.complaints).toEqual([]);
  await visit.context.close();
}

async function payOnPageOfStripe(page: Page): Promise<void> {
  await page.waitForURL(`${stripe.url}/**`);
  await page.locator('select').selectOption('pm_card_visa');
  await page.getByRole('button', { name: 'Pay' }).click();
  await page.getByRole('heading', { name: 'Billing', exact: true }).waitFor();
}

/** A month later his newest card is declined. */
async function renewalIsDeclined({ orgId }: Account): Promise<void> {
  const { database, admin } = site.product;
  const { rows } = await admin.query('select stripe_customer as id from stripe_customers where org_id = $1', [orgId]);
  await client(stripe.url).paymentMethods.attach('pm_fake_declines_insufficient_funds', { customer: rows[0].id });
  const cards = () => admin.query('select from payment_methods where org_id = $1', [orgId]);
  await until(async () => (await cards()).rowCount === 2);
  const worker = createPool(database.urlFor('worker'), { name: 'test', maxConnections: 2, statementTimeoutMs: 9_000 });
  await worker.query(`select advance_billing_clock(billing_now() + interval '32 days')`);
  const bought = await worker.query('select id from subscriptions where org_id = $1', [orgId]);
  const subscriptionId = bought.rows[0].id;
  await new Subscriptions(worker).tick(subscriptionId);
  const api = new StripeApi(
    { apiBase: stripe.url, secretKey: STRIPE_KEY, webhookSecret: WEBHOOK_SECRET },
    async () => {},
  );
  await settleCardAsks({ db: worker, stripe: api }, subscriptionId, 10_000);
  await worker.end();
}

/** More than one answer of the API holds, all newer than the owner. */
const MANY_LEAVERS = `
  with p as (insert into persons (id, email, name) select gen_random_uuid(), n || '@leavers.example', 'Leaver' from generate_series(1, 201) n
             returning id)
  insert into memberships (org_id, person_id, role, status) select $1, id, 'viewer', 'removed' from p`;

test('somebody is invited, joins, is given a cap and leaves again; the last owner stays', async () => {
  const { page, context, complaints } = await site.visit();
  const owner = await signUp(site, context);
  await page.goto(`${site.url}/o/${owner.orgId}/team`);
  await page.getByText('Your plan is for one person.').waitFor();
  await site.product.admin.query('update organizations set seats = 5 where id = $1', [owner.orgId]);
  const other = await site.visit({ language: 'zh' });
  const guest = await signUp(site, other.context, { name: 'Charles Babbage', locale: 'zh' });

  await page.reload();
  await page.getByText('1 of 5 seats used').waitFor();
  await page.getByRole('button', { name: 'Invite somebody' }).click();
  await page.getByLabel('Mail address').fill('nobody');
  await page.getByRole('button', { name: 'Send the invitation' }).click();
  await page.getByText('Enter a mail address').waitFor();
  await page.getByLabel('Mail address').fill(guest.email);
  await expectWellMade(page, 'invite');
  await page.getByRole('button', { name: 'Send the invitation' }).click();
  await page.getByRole('button', { name: `Send again to ${guest.email}` }).waitFor();
  await expectWellMade(page, 'team-invited');
  await other.page.goto(await site.mailedTo(guest.email, /http\S+\/console\/join\/[\w-]+/));
  await other.page.getByRole('button', { name: '加入' }).click();
  await other.page.getByRole('heading', { name: '概览' }).waitFor();
  await makesKey(other.page, `/o/${owner.orgId}/keys`);

  await page.reload();
  await page.getByRole('button', { name: 'Change Charles Babbage' }).click();
  await page.getByLabel('A month').fill('12.5');
  await expectWellMade(page, 'change-member');
  await page.getByRole('button', { name: 'Save the changes' }).click();
  await page.getByText('$0.00 of $12.50 a month').waitFor();
  await page.getByRole('row', { name: /API key made/ }).waitFor();
  for (const looks of LOOKS) await seenAs(context, looks, [`/o/${owner.orgId}/team`]);
  await page.getByRole('row', { name: owner.email }).getByText('The last owner stays').waitFor();
  expect(await page.getByRole('button', { name: 'Remove Ada Lovelace' }).count()).toBe(0);
  await page.getByRole('button', { name: 'Remove Charles Babbage' }).click();
  await page.getByLabel('API keys in use').selectOption({ label: 'Hand them over to Ada Lovelace' });
  await page.getByLabel('Why?').fill('He has another engine to build');
  await expectWellMade(page, 'remove-member');
  await page.getByRole('dialog').getByRole('button', { name: 'Remove', exact: true }).click();
  await page.getByText('1 of 5 seats used').waitFor();
  await site.product.admin.query(MANY_LEAVERS, [owner.orgId]);
  await page.reload();
  await page.getByText('1 of 5 seats used').waitFor();
  await page.getByRole('row', { name: owner.email }).getByText('The last owner stays').waitFor();
  await other.page.goto(`${site.url}/o/${owner.orgId}/team`);
  await other.page.getByText('这里没有内容').waitFor();
  await page.goto(`${site.url}/o/${owner.orgId}/keys`);
  await page.getByRole('button', { name: 'Disable Engine' }).waitFor();
  await leavesWithHisKeys(page, owner.orgId);
  expect([...complaints, ...other.complaints]).toEqual([]);
});

/** A member who has a key; it is revoked. */
async function leavesWithHisKeys(page: Page, orgId: string): Promise<void> {
  const { product } = site;
  const { id: personId } = await call(product, 'POST', '/persons', { email: 'ed@example.com', name: 'Ed Passing' });
  await call(product, 'POST', `/organizations/${orgId}/members`, { personId, role: 'developer' });
  await call(product, 'POST', '/api-keys', { orgId, memberId: personId, name: 'Passing' });
  await page.goto(`${site.url}/o/${orgId}/team`);
  await page.getByRole('button', { name: 'Remove Ed Passing' }).click();
  await page.getByLabel('API keys in use').selectOption({ label: 'Revoke them: requests by them are refused at once' });
  await page.getByLabel('Why?').fill('He was here for a week');
  await page.getByRole('dialog').getByRole('button', { name: 'Remove', exact: true }).click();
  await page.getByText('1 of 5 seats used').waitFor();
  await page.goto(`${site.url}/o/${orgId}/keys`);
  await page.getByRole('row').filter({ hasText: 'Passing' }).getByText('Disabled').waitFor();
}

/** As a developer, who sees and makes what is his own. */
async function makesKey(page: Page, keys: string): Promise<void> {
  await page.getByText('还没有请求').waitFor();
  await page.goto(site.url + keys);
  await page.getByRole('button', { name: '创建密钥' }).click();
  await page.getByRole('dialog').getByLabel('名称').fill('Engine');
  await page.getByRole('dialog').getByRole('button', { name: '创建密钥' }).click();
  await page.getByRole('button', { name: '我已保存' }).click();
  await page.getByRole('row').filter({ hasText: 'Engine' }).waitFor();
}

test('one of our staff refunds a pack of which nothing was used, and its credit is gone', async () => {
  const { page, context, complaints } = await site.visit();
  const { orgId } = await signUp(site, context, { name: 'Regina Return' });
  await page.goto(`${site.url}/o/${orgId}/billing`);
  await page.getByRole('button', { name: 'Buy for $50.00: $55.00 of credit' }).click();
  await payOnPageOfStripe(page);
  await page.getByRole('row').filter({ hasText: 'Payment' }).filter({ hasText: '$56.00' }).waitFor();
  const ann = await colleague(site, 'Ann Seller', 'business');

  await ann.page.goto(`${site.url}/staff/customers/${orgId}`);
  await ann.page.getByRole('button', { name: 'Refund' }).click();
  await ann.page.getByText('What is unused of the pack goes back to the card.').waitFor();
  await ann.page.getByLabel('Why?').fill('Bought for another organization');
  await ann.page.getByRole('dialog').getByRole('button', { name: 'Refund' }).click();

  await ann.page.getByText('given back: $50.00').waitFor();
  expect(await ann.page.getByRole('button', { name: 'Refund' }).count()).toBe(0);
  await page.reload();
  await page.getByText('Refunded $50.00').waitFor();
  await page.getByRole('row').filter({ hasText: 'Refund' }).filter({ hasText: '$1.00' }).first().waitFor();
  expect([...complaints, ...ann.complaints]).toEqual([]);
});

test('credit and a plan are bought; a renewal that is declined is told on every page, until it is paid', async () => {
  const { page, context, complaints } = await site.visit();
  const owner = await signUp(site, context);
  const billing = `/o/${owner.orgId}/billing`;

  await page.goto(site.url + billing);
  await page.getByRole('button', { name: 'Buy for $50.00: $55.00 of credit' }).click();
  await payOnPageOfStripe(page);
  await page.getByRole('row').filter({ hasText: 'Pack of credit' }).filter({ hasText: '$50.00' }).waitFor();
  await page.getByRole('row').filter({ hasText: 'Payment' }).filter({ hasText: '$56.00' }).waitFor();
  await printsReceipt(page);

  await page.getByRole('button', { name: 'Choose a plan' }).click();
  await page.getByRole('radio', { name: /^Pro, by the month/ }).check();
  await expectWellMade(page, 'choose-plan');
  await page.getByRole('button', { name: 'Go on to payment' }).click();
  await payOnPageOfStripe(page);
  await page.getByText(/^Renews on /).waitFor();
  await page.getByText('4242').waitFor();
  await page.getByRole('button', { name: 'Change the plan' }).click();
  await page.getByRole('radio', { name: /^Team, by the month/ }).check();
  await page.getByText('Takes effect now.').waitFor();
  await picture(page, 'change-plan');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Cancel the plan' }).click();
  await page.getByLabel('Why?').fill('Too many plans');
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel the plan' }).click();
  await page.getByText(/^Cancelled: ends on /).waitFor();
  await page.getByRole('button', { name: 'Keep the plan' }).click();
  await page.getByLabel('Why?').fill('It was good after all');
  await page.getByRole('dialog').getByRole('button', { name: 'Keep the plan' }).click();
  await page.getByText(/^Renews on /).waitFor();

  await renewalIsDeclined(owner);
  for (const looks of LOOKS) await seenAs(context, looks, [billing]);
  await page.goto(`${site.url}/o/${owner.orgId}/keys`);
  await page.getByText('An invoice is overdue').waitFor();
  await page.getByText('Unless it is paid, requests are limited from').waitFor();
  await page.getByRole('link', { name: 'Pay now' }).click();
  await page.getByRole('button', { name: /4242/ }).click();
  await page.getByRole('link', { name: 'Go to your organization' }).click();
  await page.getByRole('link', { name: 'Billing' }).click();
  await page.getByText(/^Renews on /).waitFor();
  expect(await page.getByText('An invoice is overdue').count()).toBe(0);
  await expectWellMade(page, 'billing-paid');
  expect(complaints).toEqual([]);
});

/** On a page of its own. */
async function printsReceipt(page: Page): Promise<void> {
  const opened = page.waitForEvent('popup');
  await page.getByRole('link', { name: /^Open the receipt of / }).click();
  const receipt = await opened;
  await receipt.getByRole('heading', { name: 'Receipt' }).waitFor();
  await receipt.emulateMedia({ media: 'print' });
  await picture(receipt, 'receipt');
  expect(await barriersOn(receipt)).toEqual([]);
  expect(await receipt.getByRole('row').last().textContent()).toBe('Total$50.00');
  await receipt.close();
}

test('what is entered of billing details and automatic top-up is there after a reload', async () => {
  const { page, context, complaints } = await site.visit();
  const owner = await signUp(site, context);
  await page.goto(`${site.url}/o/${owner.orgId}/billing`);
  const details = page.getByRole('region', { name: 'Billing details' });

  await details.getByLabel('City').fill('London');
  await details.getByRole('button', { name: 'Save' }).click();
  await details.getByText('Fill this in.').first().waitFor();
  await details.getByLabel('Street and number').fill('12 St James’s Square');
  await details.getByLabel('Country').selectOption('GB');
  await details.getByRole('button', { name: 'Save' }).click();
  await details.getByText('Saved').waitFor();
  const topUp = page.getByRole('region', { name: 'Automatic top-up' });
  await topUp.getByLabel('When less is left than').fill('7.5');
  await topUp.getByRole('button', { name: 'Switch on' }).click();
  await topUp.getByText('There is no card yet').waitFor();
  await page.reload();

  await settled(page);
  expect(await details.getByLabel('City').inputValue()).toBe('London');
  expect(await details.getByLabel('Country').inputValue()).toBe('GB');
  expect(complaints).toEqual([]);
});

test('an owner whose plan asks him for a second factor is led to it from where he is', async () => {
  const { page, context, complaints } = await site.visit();
  const { orgId } = await signUp(site, context);
  await page.goto(`${site.url}/o/${orgId}/billing?back=true`);
  await settled(page);

  await site.product.admin.query(`update organizations set plan_version_id = 'team-1' where id = $1`, [orgId]);

  await page.getByText('Your role requires it. Set it up now.').waitFor();
  expect(complaints).toEqual([]);
});
