// What the owner of an enterprise does on the pages of its sub-accounts, on a phone and in Chinese.
import { expect } from '@jest/globals';
import type { Page } from 'playwright-core';
import { type ConsoleSite, picture } from './console-site.ts';
import { colleague } from './person.ts';
import { approve } from './second-person.ts';
import { call } from './waiting-applications.ts';
import { expectWellMadeInBoth } from './well-made.ts';

/** With us, at half of list price. */
export async function contracted(site: ConsoleSite, orgId: string): Promise<void> {
  const terms = { creditLineCents: 10_000, priceOfListPpm: 500_000, reason: 'as agreed' };
  await call(site.product, 'POST', `/organizations/${orgId}/contract`, terms);
}

export async function boundedByAddress(site: ConsoleSite, page: Page, orgId: string): Promise<void> {
  await page.goto(`${site.url}/o/${orgId}/team`);
  const addresses = page.getByRole('region', { name: 'API 密钥的来源地址' });
  await addresses.getByLabel('仅限来自这些地址').fill('10.0.0.0/8, 127.0.0.256');
  await addresses.getByRole('button', { name: '保存' }).click();
  await addresses.getByText('其中有一项不是 IP 地址或网段').waitFor();
  await expectWellMadeInBoth(page, 'addresses-refused');
  await addresses.getByLabel('仅限来自这些地址').fill('10.0.0.0/8, 127.0.0.1');
  await addresses.getByRole('button', { name: '保存' }).click();
  await addresses.getByText('已保存').waitFor();
  await page.reload();
  expect(await addresses.getByLabel('仅限来自这些地址').inputValue()).toBe('10.0.0.0/8, 127.0.0.1/32');
}

/** A sub-account with a budget and addresses. Returns a key of it. */
export async function divided(page: Page): Promise<string> {
  await page.getByRole('link', { name: '子账户' }).click();
  await page.getByText('还没有子账户').waitFor();
  await page.getByRole('button', { name: '创建子账户' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('名称').fill('客服');
  await dialog.getByLabel('每月').fill('-5');
  await dialog.getByRole('button', { name: '创建子账户' }).click();
  await dialog.getByText('请输入美元金额').waitFor();
  await dialog.getByLabel('每月').fill('25');
  await dialog.getByLabel('仅限来自这些地址').fill('203.0.113.0/24');
  await expectWellMadeInBoth(page, 'sub-account-new');
  await dialog.getByRole('button', { name: '创建子账户' }).click();
  const account = page.getByRole('region', { name: '客服' });
  await account.getByText('$25.00').waitFor();
  await account.getByText('标价的 50%，按组织协议').waitFor();
  return keyOf(page);
}

async function keyOf(page: Page): Promise<string> {
  await page.getByRole('button', { name: '为 客服 创建密钥' }).click();
  await page.getByRole('dialog').getByLabel('名称').fill('网页');
  await page.getByRole('dialog').getByRole('button', { name: '创建密钥' }).click();
  const secret = (await page.getByRole('dialog').locator('code').first().textContent()) ?? '';
  await page.getByRole('button', { name: '我已保存' }).click();
  await page.getByText('客服 的密钥').click();
  await page.getByRole('row').filter({ hasText: '网页' }).waitFor();
  await picture(page, 'sub-account-keys');
  return secret;
}

/** By two of our people, at four tenths of list price. */
export async function priced(site: ConsoleSite, page: Page, orgId: string): Promise<void> {
  const eve = await colleague(site, 'Eve Bargains', 'business');
  const ben = await colleague(site, 'Ben Agrees', 'business');
  const address = `${site.url}/staff/customers/${orgId}`;
  await eve.page.goto(address);
  await eve.page.getByRole('button', { name: 'Agree on a price for 客服' }).click();
  const dialog = eve.page.getByRole('dialog');
  await dialog.getByLabel('Percent of list price').fill('60');
  await dialog.getByLabel('Why?').fill('They answer in six languages');
  await dialog.getByText('Below 84.2 % of list price this takes two persons').waitFor();
  await dialog.getByRole('button', { name: 'Agree on a price' }).click();
  await dialog.getByText('The whole organization pays 50% of list price').waitFor();
  await expectWellMadeInBoth(eve.page, 'customer-sub-account-price');
  await dialog.getByLabel('Percent of list price').fill('40');
  await dialog.getByRole('button', { name: 'Agree on a price' }).click();
  await dialog.getByText('This waits for a second person now.', { exact: false }).waitFor();
  await ben.page.goto(address);
  await approve(ben.page, 'As agreed');
  await ben.page.goto(address);
  await ben.page.getByText('40% of list price, agreed for it alone').waitFor();
  await picture(ben.page, 'customer-sub-accounts');
  expect([...eve.complaints, ...ben.complaints]).toEqual([]);
  await page.reload();
  await page.getByText('标价的 40%，为此子账户单独约定').waitFor();
  await expectWellMadeInBoth(page, 'sub-accounts');
}

/** From here, too. */
export async function letIn(page: Page): Promise<void> {
  await page.getByRole('button', { name: '更改 客服' }).click();
  await page.getByRole('dialog').getByLabel('仅限来自这些地址').fill('203.0.113.0/24, 127.0.0.1');
  await page.getByRole('button', { name: '保存更改' }).click();
  await page.getByText('203.0.113.0/24, 127.0.0.1/32').waitFor();
}
