// An organization becomes an enterprise by the pages alone: its owner applies and answers what is asked, two of our people decide without a mouse,
// and the first request under the agreed price is charged. The workflow runs in a worker as production starts it.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { makeBilledRequest } from '../../scripts/billed-request.ts';
import { SEARCH_ATTRIBUTES } from '../../workflows/contracts/search-attributes.ts';
import { startIdentityProvider } from '../support/identity-provider.ts';
import { startThrowawayTemporal, type ThrowawayTemporal } from '../support/throwaway-temporal.ts';
import { until } from '../support/until.ts';
import { keyringOf, startWorkerProcess, type WorkerProcess } from '../support/worker-process.ts';
import { type ConsoleSite, openConsoleSite, picture } from './console-site.ts';
import { openFromQueue, tabTo } from './keyboard.ts';
import { colleague, secondFactorOf, signUp } from './person.ts';
import { statusOfCommand } from './shown-command.ts';
import {
  comeInByCompany,
  connectedByLink,
  domainConfirmed,
  OwnersTeamPage,
  ownerWithApp,
  provedByCompany,
} from './single-sign-on-pages.ts';
import { boundedByAddress, contracted, divided, letIn, priced } from './sub-account-pages.ts';
import { call, tenApply } from './waiting-applications.ts';
import { expectWellMadeInBoth } from './well-made.ts';

const COMPANY = 'Analytical Engines';

let site: ConsoleSite;
let temporal: ThrowawayTemporal;
let worker: WorkerProcess;

beforeAll(async () => {
  [site, temporal] = await Promise.all([openConsoleSite(), startThrowawayTemporal(SEARCH_ATTRIBUTES)]);
  worker = await startWorkerProcess({
    temporalAddress: temporal.environment.address,
    namespace: temporal.namespace,
    databaseUrl: site.product.database.urlFor('worker'),
    environment: { TOLLGATE_MASTER_KEYS: keyringOf(site.product.secrets.masterKey) },
  });
  await worker.ready();
});
afterAll(async () => {
  await worker?.stop();
  await Promise.all([temporal?.stop(), site?.close()]);
});

async function applied(page: Page): Promise<void> {
  await page.getByRole('button', { name: '申请企业版' }).click();
  await page.getByLabel('公司名称').fill(COMPANY);
  await page.getByLabel('联系人 1 的邮箱').fill('ada@analytical');
  await page.getByText('已保存').waitFor();
  await page.reload();
  expect(await page.getByLabel('公司名称').inputValue()).toBe(COMPANY);
  expect(await page.getByLabel('联系人 1 的邮箱').inputValue()).toBe('ada@analytical');
  await page.getByRole('button', { name: '提交申请' }).click();
  await page.getByText('请填写此项').first().waitFor();
  await expectWellMadeInBoth(page, 'enterprise-refused');
  await page.getByLabel('域名').fill('https://analytical.example/about');
  await page.getByLabel('数据可在何处处理').selectOption('eu');
  await page.getByLabel('API 的用途').fill('分析引擎的客服，支持六种语言。');
  await page.getByLabel('预计每月消费').fill('9000');
  await page.getByLabel('信用额度').fill('20000');
  await page.getByLabel('联系人 1 的姓名').fill('Ada Lovelace');
  await page.getByLabel('联系人 1 的邮箱').fill('ada@gmail.com');
  await page.getByText('已保存').waitFor();
  await picture(page, 'enterprise-draft');
  await page.getByRole('button', { name: '提交申请' }).click();
  await page.getByText('审核中', { exact: true }).waitFor();
  await picture(page, 'enterprise-in-review');
}

async function asked(page: Page): Promise<void> {
  await openFromQueue(site, page, COMPANY);
  await expectWellMadeInBoth(page, 'staff-application');
  await page.keyboard.press('m');
  await page.keyboard.type('What is your VAT ID?');
  expect(await page.getByLabel('What do you ask?').inputValue()).toBe('What is your VAT ID?');
  await picture(page, 'staff-ask');
  await tabTo(page, 'Ask for more');
  await page.keyboard.press('Enter');
  await page.getByText('It waits for the applicant’s answer.').waitFor();
  await page.getByRole('region', { name: 'Conversation' }).getByText('What is your VAT ID?').waitFor();
}

async function answered(page: Page): Promise<void> {
  await page.reload();
  await page.getByText('What is your VAT ID?').first().waitFor();
  await expectWellMadeInBoth(page, 'enterprise-asked');
  // Sent, but not handed in; then he sees that it was wrong.
  await page.route('**/submit', (route) => route.fulfill({ status: 503, json: { code: 'service_unavailable' } }), {
    times: 1,
  });
  await page.getByRole('textbox', { name: '您的答复' }).fill('DE000000000');
  await page.getByRole('button', { name: '提交答复' }).click();
  await page.getByRole('alert').filter({ hasText: '服务繁忙' }).waitFor();
  await page.getByRole('textbox', { name: '您的答复' }).fill('DE123456789');
  await page.getByRole('button', { name: '提交答复' }).click();
  await page.getByText('审核中', { exact: true }).waitFor();
  await page.getByText('DE123456789').waitFor();
}

async function approvedFirst(page: Page): Promise<void> {
  await page.goto(`${site.url}/staff/inbox`);
  await page.getByText('Wayne Enterprises').first().waitFor();
  await expectWellMadeInBoth(page, 'staff-inbox');
  await page.keyboard.press('?');
  await page.getByRole('dialog').waitFor();
  await picture(page, 'staff-keyboard');
  await openFromQueue(site, page, COMPANY);
  await page.keyboard.press('a');
  await tabTo(page, 'Price, of list price');
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.type('50');
  await expectWellMadeInBoth(page, 'staff-approve');
  await page.keyboard.press('Enter');
  await page.getByText('You approved first: it takes another person.').waitFor();
  expect(await page.getByRole('button', { name: 'Approve' }).count()).toBe(0);
}

async function approvedSecond(page: Page): Promise<void> {
  await openFromQueue(site, page, COMPANY);
  await page.getByText('Eve Seller 已作为第一人批准').waitFor();
  await picture(page, 'staff-second');
  await page.keyboard.press('a');
  await page.getByRole('dialog').waitFor();
  await picture(page, 'staff-second-approves');
  await tabTo(page, '批准');
  await page.keyboard.press('Enter');
  await page.getByText('该组织已是企业版。').waitFor();
  await page.getByRole('button', { name: '重新发送链接' }).click();
  await page.getByText('新链接已发送给所有者').waitFor();
}

/** By the link of the mail; its first API key, which the page says how to try. */
async function welcomed(page: Page, email: string): Promise<string> {
  await page.reload();
  await page.getByText('已生效', { exact: true }).waitFor();
  await expectWellMadeInBoth(page, 'enterprise-active');
  await page.goto(await site.mailedTo(email, /http\S+\/welcome\/[\w-]+/));
  // Whoever is in a hurry loses nothing.
  await page.getByRole('button').dblclick();
  const copy = page.getByRole('button', { name: '复制密钥' });
  await copy.waitFor();
  await page.evaluate('navigator.clipboard.writeText = () => Promise.reject(new Error("not here"))');
  await copy.click();
  await page.getByRole('button', { name: '浏览器不允许自动复制' }).waitFor();
  expect(await page.evaluate('getSelection().toString()')).toBe(await page.locator('#key').textContent());
  await page.evaluate('delete navigator.clipboard.writeText');
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await copy.click();
  await page.getByRole('button', { name: '已复制' }).waitFor();
  const customerKey = await page.evaluate<string>('navigator.clipboard.readText()');
  expect(await page.locator('#key').textContent()).toBe(customerKey);
  expect(await statusOfCommand((await page.locator('#command').textContent()) ?? '')).toBe(200);
  await expectWellMadeInBoth(page, 'welcome-first-key');
  await page.getByRole('link', { name: '前往控制台' }).click();
  await page.getByRole('heading', { name: '概览' }).waitFor();
  return customerKey;
}

async function chargeOf(customerKey: string): Promise<bigint> {
  const body = { model: 'demo-embed', input: 'toll '.repeat(500) };
  const place = { apiBaseUrl: `${site.product.api}/v1`, customerKey };
  return (await makeBilledRequest(place, { name: 'first', path: '/embeddings', body })).charge;
}

test('from applying to the first request under the agreed price, decided by two without a mouse', async () => {
  const ada = await site.visit({ language: 'zh', width: 375 });
  const { email, orgId } = await signUp(site, ada.context, { name: COMPANY, locale: 'zh' });
  // As owners of enterprises must have it.
  await secondFactorOf(site, email);
  await ada.page.goto(`${site.url}/o/${orgId}/enterprise`);
  await applied(ada.page);
  await tenApply(site.product);
  const eve = await colleague(site, 'Eve Seller', 'business');
  const ben = await colleague(site, 'Ben Second', 'business', { language: 'zh' });

  await asked(eve.page);
  await answered(ada.page);
  await approvedFirst(eve.page);
  await approvedSecond(ben.page);
  const customerKey = await welcomed(ada.page, email);

  expect((await chargeOf(customerKey)) * 2n).toBe(await chargeOf(site.product.customerKey));
  expect([...ada.complaints, ...eve.complaints, ...ben.complaints]).toEqual([]);
});

test('an enterprise says from where its keys work and divides itself; what we agree on for one sub-account is shown and charged', async () => {
  const { page, context, complaints } = await site.visit({ language: 'zh', width: 375 });
  const { email, orgId } = await signUp(site, context, { name: 'Difference Engines', locale: 'zh' });
  await secondFactorOf(site, email);
  await contracted(site, orgId);

  await boundedByAddress(site, page, orgId);
  const customerKey = await divided(page);
  await priced(site, page, orgId);
  await expect(chargeOf(customerKey)).rejects.toThrow('403');
  await letIn(page);

  const atItsPrice = ((await chargeOf(site.product.customerKey)) * 400_000n + 999_999n) / 1_000_000n;
  await until(async () => (await chargeOf(customerKey).catch(() => 0n)) === atItsPrice);
  expect(complaints).toEqual([]);
});

test('an owner sets up single sign-on and requires it; his people come in by it, new and known ones, and by nothing else', async () => {
  const { product } = site;
  const provider = await startIdentityProvider(`${product.api}/console/signed-on`, 'localhost');
  provider.people.set('1', { email: 'olivia@looms.example', emailVerified: true });
  provider.people.set('2', { email: 'xin@looms.example', emailVerified: true, name: '新同事' });
  const olivia = await site.visit();
  const { orgId, authenticator } = await ownerWithApp(site, olivia, 'Jacquard Looms');
  await contracted(site, orgId);
  const eve = await colleague(site, 'Eve Knows', 'business');
  await domainConfirmed(site, eve.page, orgId, 'looms.example');
  await call(product, 'PATCH', `/organizations/${orgId}/single-sign-on`, { allowLocal: true });

  await olivia.page.goto(`${site.url}/o/${orgId}/team`);
  const owner = new OwnersTeamPage(site, olivia.page, authenticator);
  await owner.name(provider);
  await owner.tryIt('1');
  await owner.require();

  const xin = await site.visit({ language: 'zh', width: 375 });
  await comeInByCompany(site, xin.page, 'xin@looms.example', '2');
  await xin.page.getByRole('heading', { name: '概览' }).waitFor();
  expect(new URL(xin.page.url()).pathname).toBe(`/console/o/${orgId}`);
  await provedByCompany(site, xin.page, '2');

  const known = await site.visit();
  const { email } = await signUp(site, known.context);
  provider.people.set('3', { email, emailVerified: true });
  await call(product, 'POST', `/organizations/${orgId}/mail-domains`, { domain: email.split('@')[1], reason: 'his' });
  await connectedByLink(site, known.page, email, '3');
  await provider.close();
  expect([...olivia.complaints, ...eve.complaints, ...xin.complaints, ...known.complaints]).toEqual([]);
});

test('whoever decides second is told who was first, and what; nobody else sees these pages', async () => {
  const [eve, ben] = [await colleague(site, 'Eve Early', 'business'), await colleague(site, 'Ben Late', 'business')];
  for (const { page } of [eve, ben]) await openFromQueue(site, page, 'Hooli');
  await ben.page.keyboard.press('r');
  await ben.page.getByRole('dialog').waitFor();
  await eve.page.keyboard.press('a');
  await eve.page.getByRole('dialog').waitFor();
  await eve.page.keyboard.press('Enter');
  await eve.page.getByText('Approved by: You').first().waitFor();

  await ben.page.keyboard.type('Too small');
  await tabTo(ben.page, 'Reject');
  await ben.page.keyboard.press('Enter');

  await ben.page.getByText('Your decision came too late. Approved meanwhile by: Eve Early').waitFor();
  await expectWellMadeInBoth(ben.page, 'staff-late');
  const stranger = await site.visit();
  await signUp(site, stranger.context);
  await stranger.page.goto(`${site.url}/staff/inbox`);
  await stranger.page.getByRole('heading', { name: 'There is nothing here' }).waitFor();
  expect(await stranger.page.getByRole('link', { name: 'Inbox' }).count()).toBe(0);
});

test('what takes two persons waits for the second, who does it without a mouse, on a phone as well', async () => {
  const ada = await colleague(site, 'Ada Asks', 'admin');
  const ben = await colleague(site, 'Ben Agrees', 'admin', { language: 'zh', width: 375 });
  const { rows } = await site.product.admin.query<{ orgId: string }>(
    `select id as "orgId" from organizations where name = 'Hooli'`,
  );
  const data = { ...rows[0], amountNano: '75000000000' };
  await ada.context.request.post(`${site.product.api}/api/v1/grants`, { data, headers: { origin: site.product.api } });

  await openFromQueue(site, ben.page, '手动授予额度');
  await ben.page.getByText('一天内授予的额度超过 $50').waitFor();
  await expectWellMadeInBoth(ben.page, 'staff-proposal');
  await ben.page.keyboard.press('a');
  await ben.page.getByRole('dialog').waitFor();
  await ben.page.keyboard.type('As agreed');
  await picture(ben.page, 'staff-proposal-approve');
  await ben.page.keyboard.press('Enter');

  await ben.page.getByText('已完成', { exact: true }).waitFor();
  await ben.page.getByRole('dialog').waitFor({ state: 'detached' });
  await picture(ben.page, 'staff-proposal-done');
  await ben.page.keyboard.press('u');
  await ben.page.getByRole('heading', { name: '收件箱' }).waitFor();
  await picture(ben.page, 'staff-inbox-phone');
  await openFromQueue(site, ada.page, 'Initech');
  expect(await ada.page.getByText('Credit by hand').count()).toBe(0);
  expect([...ada.complaints, ...ben.complaints]).toEqual([]);
});
