// Somebody who was never here signs up, makes a key and sends a request that is charged: by what the pages tell him alone.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { until } from '../support/until.ts';
import { barriersOn } from './accessibility.ts';
import { CODE, type ConsoleSite, expectNoSidewaysScrolling, openConsoleSite, picture } from './console-site.ts';
import { PASSWORD, signUp } from './person.ts';
import { statusOfCommand } from './shown-command.ts';
import { call } from './waiting-applications.ts';

let site: ConsoleSite;

beforeAll(async () => {
  site = await openConsoleSite();
});
afterAll(() => site.close());

test('from signing up to the first charged request, nothing is needed but the pages and the mail, and a reload takes nothing but secrets', async () => {
  const { page, complaints } = await site.visit();
  await page.goto(`${site.url}/sign-up`);
  await page.getByLabel('Your name').fill('Ada Lovelace');
  await page.getByLabel('Mail address').fill('ada@lovelace.example');
  await page.reload();
  expect(await page.getByLabel('Mail address').inputValue()).toBe('ada@lovelace.example');
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Create account' }).click();
  await page.getByLabel('Code', { exact: true }).fill(await site.mailedTo('ada@lovelace.example', CODE));
  await page.getByRole('button', { name: 'Confirm' }).click();
  await page.getByRole('button', { name: 'Create a key' }).click();
  const command = (await page.getByTestId('command').textContent()) ?? '';

  await page.reload();
  await page.getByText('its secret was shown once').waitFor();
  expect(await statusOfCommand(command)).toBe(200);

  await page.getByText('Your request has arrived').waitFor();
  expect(await barriersOn(page)).toEqual([]);
  await picture(page, 'first-request-seen');
  await page.getByRole('link', { name: 'Go to the overview' }).click();
  await page.getByRole('row').filter({ hasText: 'Complete' }).waitFor();
  await until(async () => {
    // What a key has set aside is given back when it rests for some seconds.
    await statusOfCommand(command);
    await page.reload();
    await page.getByRole('row').filter({ hasText: 'Complete' }).first().waitFor();
    return (await addsUpTo(page, 'Credit')) === (await figureOf(page, 'You can spend'));
  });
  expect(await page.getByRole('alert').allTextContents()).toEqual([]);
  expect(await barriersOn(page)).toEqual([]);
  await picture(page, 'overview-used');
  expect(complaints).toEqual([]);
});

test('whoever has no credit reads why his request is refused, there and then, and is led to credit', async () => {
  const { page, context, complaints } = await site.visit({ language: 'zh', width: 390 });
  // Five of his network have had their dollar already.
  await site.product.admin.query(
    'insert into auth.trial_networks (network) select network from auth.trial_networks, generate_series(1, 5)',
  );
  const { orgId } = await signUp(site, context, { locale: 'zh' });
  await page.goto(`${site.url}/o/${orgId}`);
  await page.getByRole('link', { name: '购买额度' }).click();
  await page.getByRole('heading', { name: '购买额度' }).waitFor();
  await page.goto(`${site.url}/o/${orgId}/start`);
  await page.getByText('暂无额度').waitFor();
  await page.getByRole('button', { name: '创建密钥' }).click();
  await page.getByRole('button', { name: '从此页面发送' }).click();

  await page.getByRole('alert').filter({ hasText: '额度不足' }).waitFor();
  expect(await barriersOn(page)).toEqual([]);
  await expectNoSidewaysScrolling(page);
  await picture(page, 'first-request-refused');
  await call(site.product, 'POST', '/grants', { orgId, amountNano: '1000000000' });
  await page.getByText('暂无额度').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: '从此页面发送' }).click();
  await page.getByText('已收到您的请求').waitFor();
  expect(await page.getByText('额度不足').count()).toBe(0);
  expect(complaints).toEqual([]);
});

/** The last line of a table that says what is set aside, if it is the sum of those above it; each is cut to cents. */
async function addsUpTo(page: Page, table: string): Promise<string | null> {
  if ((await page.getByRole('row', { name: 'Set aside for requests' }).count()) === 0) return null;
  const column = await page.getByLabel(table, { exact: true }).locator('td:nth-child(2)').allTextContents();
  const [sum = 0, ...parts] = column.map((text) => Math.round(Number(text.replace('$', '')) * 100)).reverse();
  const missing = sum - parts.reduce((all, part) => all + part, 0);
  return missing >= 0 && missing < parts.length ? (column.at(-1) ?? null) : null;
}

async function figureOf(page: Page, name: string): Promise<string> {
  return (await page.locator('.figures div').filter({ hasText: name }).locator('.figure').first().textContent()) ?? '';
}
