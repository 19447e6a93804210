// Somebody of our staff is asked about a customer: finds him by what he names, reads what happened, sends him the link to pay, gives him credit with
// a second person's word, and sees his pages as he sees them.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { BrowserContext, Page } from 'playwright-core';
import { DAY_MS } from '../../domain/moments.ts';
import { overdueInvoice } from '../support/overdue-invoice.ts';
import { barriersOn } from './accessibility.ts';
import { type ConsoleSite, expectNoSidewaysScrolling, openConsoleSite, picture } from './console-site.ts';
import { findInQueue, focused, tabTo } from './keyboard.ts';
import { type Account, colleague, signUp } from './person.ts';
import { approve } from './second-person.ts';
import { call } from './waiting-applications.ts';

interface Asker extends Account {
  readonly keyPrefix: string;
  readonly requestId: string;
}

let site: ConsoleSite;
let customer: Asker;

beforeAll(async () => {
  site = await openConsoleSite();
  const { context } = await site.visit();
  customer = await oneWhoAsks(context);
  await context.close();
});
afterAll(() => site.close());

/** He has sent a request, and owes for his usage. */
async function oneWhoAsks(context: BrowserContext): Promise<Asker> {
  const { api } = site.product;
  const account = await signUp(site, context);
  const headers = { origin: api };
  const made = await context.request.post(`${api}/api/v1/api-keys`, { data: { orgId: account.orgId }, headers });
  const { credential, prefix } = (await made.json()) as { readonly credential: string; readonly prefix: string };
  const bearer = { authorization: `Bearer ${credential}` };
  const listed = await fetch(`${api}/v1/models`, { headers: bearer });
  const { data } = (await listed.json()) as { readonly data: readonly { readonly id: string }[] };
  const modelId = data.find(({ id }) => !id.includes('embed'))?.id;
  const answer = await fetch(`${api}/v1/chat/completions`, {
    method: 'POST',
    headers: { ...bearer, 'content-type': 'application/json' },
    body: JSON.stringify({ model: modelId, messages: [{ role: 'user', content: 'hello' }] }),
  });
  expect(answer.status).toBe(200);
  await answer.text();
  await overdueInvoice(site.product.admin, account.orgId, Date.now() - 3 * DAY_MS);
  return { ...account, keyPrefix: prefix, requestId: answer.headers.get('x-request-id') ?? '' };
}

/** Settled: nothing is on its way any more. */
async function settled(page: Page): Promise<void> {
  await page.locator('h1').waitFor();
  await page.locator('[aria-busy="true"]').first().waitFor({ state: 'detached' });
}

async function expectWellMade(page: Page, name: string, known: readonly string[] = []): Promise<void> {
  await settled(page);
  await picture(page, name);
  expect([name, await barriersOn(page, known)]).toEqual([name, []]);
  await expectNoSidewaysScrolling(page);
}

async function find(page: Page, text: string): Promise<void> {
  await page.goto(`${site.url}/staff/customers`);
  await settled(page);
  await page.getByRole('heading', { name: 'Customers' }).focus();
  await page.keyboard.press('/');
  expect(await focused(page)).toBe('Find');
  await page.keyboard.type(text);
  await page.keyboard.press('Enter');
  await page.getByRole('list', { name: 'Found' }).waitFor();
}

test('support finds a customer by a request and by a key, reads what happened and mails him the link to pay', async () => {
  const { page, complaints } = await colleague(site, 'Sue Support', 'support');

  await find(page, customer.requestId);
  await page.getByText(`Request: ${customer.requestId}`).waitFor();
  await expectWellMade(page, 'customers-found');
  await find(page, `${customer.keyPrefix}and-what-nobody-should-see`);
  expect(page.url()).toContain(`find=${customer.keyPrefix}`);
  expect(page.url()).not.toContain('nobody');
  await page.reload();
  await page.getByRole('link', { name: 'Ada Lovelace' }).click();
  await page.getByRole('listitem').filter({ hasText: 'Invoice for usage' }).waitFor();
  await expectWellMade(page, 'customer');
  await page.getByRole('button', { name: 'Send the pay link' }).click();
  await page.getByRole('dialog').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Send the pay link' }).click();
  await page.getByText('Say why: it is kept in the audit log.').waitFor();
  await page.getByLabel('Why?').fill('He lost the first one');
  await page.getByRole('dialog').getByRole('button', { name: 'Send the pay link' }).click();

  await page
    .getByRole('listitem')
    .filter({ hasText: 'He lost the first one' })
    .filter({ hasText: 'by Sue Support' })
    .waitFor();
  await page.getByRole('listitem').filter({ hasText: 'Mail: payment due' }).waitFor();
  expect(await site.mailedTo(customer.email, /http\S+\/pay\/[\w-]+/)).toContain('/pay/');
  expect(await page.getByRole('button', { name: 'Give credit' }).count()).toBe(0);
  expect(await page.getByRole('link', { name: /^(Keys|Backups)$/ }).count()).toBe(0);
  expect(complaints).toEqual([]);
});

test('credit above what one person gives waits for another; who looks as the customer sees it there, and changes nothing', async () => {
  const [first, second] = [await colleague(site, 'Ann Admin', 'admin'), await colleague(site, 'Ben Admin', 'admin')];
  await proposeCredit(first.page);
  await approveCredit(second.page);

  const { page } = second;
  await page.getByRole('link', { name: 'View as the customer' }).click();
  await page.getByLabel('Why?').fill('His balance looks wrong to him');
  await page.getByRole('button', { name: 'View', exact: true }).click();
  const banner = page.getByText('You view Ada Lovelace as its owner. Nothing can be changed.');
  await banner.waitFor();
  await page.getByRole('row').filter({ hasText: 'Credited by us' }).waitFor();
  await page.getByText('Spent per day lately').waitFor();
  await expectWellMade(page, 'viewing-overview');
  await page.reload();
  await banner.waitFor();
  const asked = page.waitForRequest((request) => request.url().includes('/api/v1/api-keys'));
  await page.getByRole('link', { name: 'API keys' }).click();
  expect((await asked).headers()['tollgate-view']).toBe(customer.orgId);
  await page.getByRole('row').filter({ hasText: customer.keyPrefix }).waitFor();
  expect(await page.getByRole('button', { name: 'Create a key' }).isDisabled()).toBe(true);
  await site.product.admin.query(MANY_KEYS, [customer.orgId]);
  await page.reload();
  await page.getByRole('row').filter({ hasText: 'of many' }).first().waitFor();
  await page.getByRole('link', { name: 'Older' }).click();
  await page.getByRole('row').filter({ hasText: customer.keyPrefix }).waitFor();
  await page.getByRole('link', { name: 'Billing' }).click();
  await page.getByRole('heading', { name: 'Billing', exact: true }).waitFor();
  await expectWellMade(page, 'viewing-billing');
  await page.getByRole('link', { name: 'Pay now' }).first().click();
  expect(page.url()).toBe(`${site.url}/o/${customer.orgId}/billing`);
  await page.getByRole('button', { name: 'Leave' }).click();
  await page.getByRole('listitem').filter({ hasText: 'His balance looks wrong to him' }).waitFor();
  expect([...first.complaints, ...second.complaints]).toEqual([]);

  await seenOnAPhone(await second.context.cookies());
});

/** 34 days overdue, warned, and we were asked twice. */
async function debtor(name: string): Promise<string> {
  const { id } = await call(site.product, 'POST', '/organizations', { name });
  const dueMs = Date.now() - 34 * DAY_MS;
  const days = { limit_warning: 14, stop_warning: 29, stop_decision_due: 30, stop_decision_late: 31 };
  const told = Object.entries(days).map(([notice, day]) => [notice, dueMs + day * DAY_MS]);
  await overdueInvoice(site.product.admin, id, dueMs, Object.fromEntries(told));
  return `${site.url}/staff/customers/${id}`;
}

async function act(page: Page, verb: string, why: string): Promise<void> {
  await page.getByRole('button', { name: verb, exact: true }).click();
  await page.getByLabel('Why?').fill(why);
  await page.getByRole('dialog').getByRole('button', { name: verb, exact: true }).click();
}

/** What takes two persons. */
async function propose(page: Page, verb: string, why: string): Promise<void> {
  await act(page, verb, why);
  await page.getByText('This waits for a second person now.', { exact: false }).waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).last().click();
}

test('a debt that waits for us is taken in hand; a transfer and a stop take two persons; what is waived restricts nobody', async () => {
  const [late, poor] = [await debtor('Late Payers'), await debtor('Poor Payers')];
  const [ann, ben] = [await colleague(site, 'Ann Seller', 'business'), await colleague(site, 'Ben Seller', 'business')];

  await findInQueue(site, ann.page, 'Late Payers');
  await ann.page.keyboard.press('c');
  await ann.page.getByText('In hand: You, since').waitFor();
  await findInQueue(site, ben.page, 'Late Payers');
  await ben.page.getByText('In hand: Ann Seller, since').waitFor();
  await ben.page.keyboard.press('c');
  await ben.page.getByText('Taken before you by: Ann Seller.').waitFor();
  await expectWellMade(ben.page, 'inbox-taken');
  await ann.page.keyboard.press('Enter');
  await ann.page.getByText('It waits for a person: stop the customer').waitFor();
  await expectWellMade(ann.page, 'customer-undecided');
  await transfer(ann.page);
  await ben.page.goto(late);
  await ben.page.getByText('$19.00').first().waitFor();
  await expectWellMade(ben.page, 'customer-transfer-proposed');
  await approve(ben.page, 'Seen on the statement');
  await ben.page.goto(late);
  await ben.page.getByText('Nothing is owed.').waitFor();

  await ann.page.goto(poor);
  await propose(ann.page, 'Stop', 'He does not answer');
  await ben.page.goto(poor);
  await approve(ben.page, 'Nor to me');
  await ben.page.goto(poor);
  await ben.page.getByText('Stopped, since it owes').first().waitFor();
  await ann.page.reload();
  await act(ann.page, 'Waive', 'His house burnt down');
  await ann.page.getByRole('dialog').waitFor({ state: 'detached' });
  await ann.page.getByRole('button', { name: 'Waive' }).waitFor({ state: 'detached' });
  await ann.page.getByText('No longer restricted').waitFor();
  await ann.page.goto(`${site.url}/staff/inbox`);
  await settled(ann.page);
  expect(await ann.page.getByText('Poor Payers').count()).toBe(0);
  expect([...ann.complaints, ...ben.complaints]).toEqual([]);
});

async function transfer(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Record a transfer' }).click();
  await page.getByLabel('Amount in dollars').fill('19');
  await page.getByLabel('Reference, as on the statement').fill('INV 2026-01');
  await page.getByLabel('Why?').fill('On the statement of today');
  await page.getByRole('dialog').getByText('This takes two persons').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Record a transfer' }).click();
  await page.getByText('This waits for a second person now.', { exact: false }).waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).last().click();
}

const address = () => `${site.url}/staff/customers/${customer.orgId}`;

/** Newer than his own, and more than a page has. */
const MANY_KEYS = `
  insert into api_keys (org_id, project_id, name, digest, prefix, last_four)
  select org_id, id, n || ' of many', sha256(n::text::bytea), 'sk-tg-many', '0000'
    from (select * from projects where org_id = $1 limit 1) p, generate_series(1, 50) n`;

async function proposeCredit(page: Page): Promise<void> {
  await page.goto(address());
  await page.getByRole('button', { name: 'Give credit' }).click();
  await page.getByLabel('Amount in dollars').fill('60');
  await page.getByLabel('Why?').fill('A month of outages');
  const dialog = page.getByRole('dialog');
  await dialog.getByText('takes two persons').waitFor();
  await dialog.getByRole('button', { name: 'Give credit' }).click();
  await dialog.getByText('This waits for a second person now.', { exact: false }).waitFor();
  await dialog.getByRole('button', { name: 'Close' }).last().click();
  await page.getByRole('link', { name: 'Open it' }).waitFor();
  await page.getByRole('button', { name: 'Give time' }).click();
  await page.getByLabel('Until').fill('2099-12-31');
  await page.getByLabel('Why?').fill('He pays on the first');
  await expectWellMade(page, 'customer-give-time');
  await dialog.getByRole('button', { name: 'Give time' }).click();
  await page
    .getByRole('listitem')
    .filter({ hasText: 'Time given' })
    .filter({ hasText: 'He pays on the first' })
    .waitFor();
}

async function approveCredit(page: Page): Promise<void> {
  await page.goto(address());
  await page.getByRole('link', { name: 'Open it' }).waitFor();
  await expectWellMade(page, 'customer-proposal');
  await approve(page, 'Agreed by phone');
  await page.goto(address());
  const given = page.getByRole('listitem').filter({ hasText: 'Credit given by hand' });
  await given.filter({ hasText: 'Ann Admin + Ben Admin' }).filter({ hasText: 'A month of outages' }).waitFor();
  await given.getByText('$60.00').waitFor();
  expect(await page.getByRole('link', { name: 'Open it' }).count()).toBe(0);
}

/** In Chinese, and in the dark. */
async function seenOnAPhone(cookies: Parameters<BrowserContext['addCookies']>[0]): Promise<void> {
  const { page, context, complaints } = await site.visit({ language: 'zh', scheme: 'dark', width: 375 });
  await context.addCookies(cookies);

  await page.goto(`${site.url}/staff/customers?find=ada`);
  await page.getByRole('list', { name: '查找结果' }).waitFor();
  await expectWellMade(page, 'customers-zh-dark');
  await page.goto(address());
  await page.getByText('用量账单').waitFor();
  await expectWellMade(page, 'customer-zh-dark');
  await page.goto(`${site.url}/o/${customer.orgId}`);
  await page.getByLabel('原因').fill('查看余额');
  await page.getByRole('button', { name: '开始查看' }).click();
  await page.getByText('无法做任何更改').waitFor();
  // To axe nothing in a fieldset that is off can take the focus; a table that scrolls can.
  await expectWellMade(page, 'viewing-zh-dark', ['scrollable-region-focusable']);
  await tabTo(page, '最近请求');
  expect(complaints).toEqual([]);
}
