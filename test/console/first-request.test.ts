// Somebody who was never here signs up, makes a key and sends a request that is charged: by what the pages tell him alone.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { barriersOn } from './accessibility.ts';
import { CODE, type ConsoleSite, openConsoleSite, picture } from './console-site.ts';
import { PASSWORD } from './person.ts';
import { statusOfCommand } from './shown-command.ts';

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
  expect(await page.getByRole('alert').allTextContents()).toEqual([]);
  expect(await barriersOn(page)).toEqual([]);
  await picture(page, 'overview-used');
  expect(complaints).toEqual([]);
});
