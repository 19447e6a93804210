// Every page can be read, used without a mouse, and seen on a phone, in both languages and both colour schemes.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { BrowserContext, Page } from 'playwright-core';
import { until } from '../support/until.ts';
import { barriersOn } from './accessibility.ts';
import { type ConsoleSite, expectNoSidewaysScrolling, openConsoleSite, picture } from './console-site.ts';
import { focused, tabTo } from './keyboard.ts';
import { PASSWORD, signUp } from './person.ts';
import { call } from './waiting-applications.ts';
import { expectWellMadeInBoth } from './well-made.ts';

const WIDE = 1280;
const PHONE = 375;
const LOOKS = [
  { language: 'en', width: WIDE },
  { language: 'zh', width: PHONE },
] as const;
const LONG_NAME = 'Wolfeschlegelsteinhausenbergerdorff'.repeat(3);

let site: ConsoleSite;

beforeAll(async () => {
  site = await openConsoleSite();
});
afterAll(() => site.close());

/** Settled: nothing is on its way any more. */
async function open(page: Page, path: string): Promise<void> {
  await page.goto(site.url + path);
  await page.locator('h1').waitFor();
  await page.locator('[aria-busy="true"]').first().waitFor({ state: 'detached' });
}

/** In both schemes, and as wide as the other language has it. */
async function expectWellMadeThere(
  page: Page,
  name: string,
  { language, width }: (typeof LOOKS)[number],
): Promise<void> {
  const called = `${name}-${language}`;
  await expectWellMadeInBoth(page, called);
  const height = page.viewportSize()?.height ?? 0;
  await page.setViewportSize({ width: width === WIDE ? PHONE : WIDE, height });
  await picture(page, `${called}-other-width`);
  await expectNoSidewaysScrolling(page);
  await page.setViewportSize({ width, height });
}

async function expectWellMade(page: Page, name: string): Promise<void> {
  await picture(page, name);
  expect([name, await barriersOn(page)]).toEqual([name, []]);
  await expectNoSidewaysScrolling(page);
}

test.each(LOOKS)('a visitor meets no barrier: $language, $width px', async (looks) => {
  const { page, complaints } = await site.visit(looks);

  for (const path of ['sign-up', 'sign-in', 'forgotten-password', 'password-reset', 'bootstrap']) {
    await open(page, `/${path}`);
    await expectWellMadeThere(page, path, looks);
    await page.locator('button[type="submit"]').first().click();
    await page.locator('[aria-invalid="true"]').first().waitFor();
    await page.emulateMedia({ colorScheme: looks.language === 'en' ? 'light' : 'dark' });
    await expectWellMade(page, `${path}-refused-${looks.language}`);
  }

  expect(complaints).toEqual([]);
});

test.each(LOOKS)('whoever is signed in meets no barrier: $language, $width px', async (looks) => {
  const { page, context, complaints } = await site.visit(looks);
  const { orgId } = await signUp(site, context, { name: LONG_NAME, locale: looks.language });

  for (const [name, path] of [
    ['overview', `/o/${orgId}`],
    ['start', `/o/${orgId}/start`],
    ['keys', `/o/${orgId}/keys`],
    ['account', '/account'],
    ['nothing', '/nothing-here'],
  ] as const) {
    await open(page, path);
    expect(await page.getByRole('alert').allTextContents()).toEqual([]);
    await expectWellMadeThere(page, name, looks);
  }
  await open(page, '/account');
  await page.getByRole('button', { name: LONG_NAME, expanded: false }).click();
  await page.getByRole('dialog').waitFor();
  await expectWellMadeInBoth(page, `menu-${looks.language}`);

  expect(complaints).toEqual([]);
});

/** By its name as it is offered; one that is none is named. */
async function choosesModel(page: Page): Promise<void> {
  await tabTo(page, 'Only these models');
  await page.keyboard.type('demo-mini, gpt-99');
  await tabTo(page, 'Create a key');
  await page.keyboard.press('Enter');
  await page.getByText('You are offered no model of this name: gpt-99.').waitFor();
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.press('Delete');
  await page.getByLabel('Models that you are offered').selectOption('demo-mini');
  await tabTo(page, 'Add');
  await page.keyboard.press('Enter');
  await page.getByRole('status').filter({ hasText: 'demo-mini was added' }).waitFor({ state: 'attached' });
  expect(await page.evaluate('document.activeElement.tagName')).toBe('SELECT');
  expect(await page.getByLabel('Only these models').inputValue()).toBe('demo-mini');
}

test('keys are made, kept and disabled without a mouse', async () => {
  const { page, context, complaints } = await site.visit();
  const { orgId } = await signUp(site, context);
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await open(page, `/o/${orgId}/keys`);

  await tabTo(page, 'Skip to the page');
  await page.keyboard.press('Enter');
  await tabTo(page, 'Create a key');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  expect(await focused(page)).toBe('Name');
  await page.keyboard.type(LONG_NAME);
  await tabTo(page, 'Limits (optional)');
  await page.keyboard.press('Enter');
  await tabTo(page, 'A day');
  await page.keyboard.type('12.50');
  await choosesModel(page);
  await expectWellMade(page, 'new-key');
  await tabTo(page, 'Create a key');
  await page.keyboard.press('Enter');
  await page.getByTestId('secret').waitFor();
  await expectWellMade(page, 'new-key-shown');
  await tabTo(page, 'Copy the key');
  await page.keyboard.press('Enter');
  await page.getByRole('status').filter({ hasText: 'Copied' }).waitFor();
  const secret = await page.evaluate<string>('navigator.clipboard.readText()');
  await tabTo(page, 'I have kept it');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.getByRole('row').filter({ hasText: '$12.50' }).waitFor();
  await expectWellMade(page, 'keys-one');

  await tabTo(page, `Change ${LONG_NAME}`);
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  await tabTo(page, 'A week');
  await page.keyboard.type('50');
  await expectWellMade(page, 'change-key');
  await page.keyboard.press('Enter');
  await page.getByRole('row').filter({ hasText: '$12.50' }).filter({ hasText: '$50.00' }).waitFor();
  await page.getByRole('dialog').waitFor({ state: 'detached' });

  await tabTo(page, `Disable ${LONG_NAME}`);
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.type('It was lost on a train');
  await expectWellMade(page, 'disable-key');
  await page.keyboard.press('Enter');
  await page.getByText('Disabled').waitFor();

  const answer = await fetch(`${site.product.api}/v1/models`, { headers: { authorization: `Bearer ${secret}` } });
  expect(answer.status).toBe(401);
  expect(complaints).toEqual([]);
});

test.each(LOOKS)(
  'a key that is rolled, and one that was found in public, are seen: $language, $width px',
  async (looks) => {
    const { page, context, complaints } = await site.visit(looks);
    const { orgId } = await signUp(site, context, { locale: looks.language });
    const [rolled, leaked] = [await newApiKey(context, orgId, 'rolled'), await newApiKey(context, orgId, 'leaked')];
    await call(site.product, 'POST', `/api-keys/${rolled.id}/roll`, { overlapHours: 24 });
    await site.product.admin.query(
      `update api_key_rotations set used_at = billing_now(), used_from = '198.51.100.7' where api_key_id = $1`,
      [rolled.id],
    );
    const url = 'https://github.com/acme/shop/blob/main/a-folder-with-a-rather-long-name/.env';
    await call(site.product, 'POST', '/leak-reports', { credential: leaked.credential, url });

    await open(page, `/o/${orgId}/keys`);
    await page.getByText('198.51.100.7').waitFor();
    await page.getByText(url).waitFor();
    await expectWellMadeThere(page, 'keys-rolled-and-frozen', looks);
    await open(page, `/o/${orgId}`);
    await page.locator('.overdue').waitFor();
    expect(complaints).toEqual([]);
  },
);

test('a key is rolled, its old secret works longer, and is the one of the key again; frozen, it is rolled or let go on', async () => {
  const { page, context, complaints } = await site.visit();
  const { orgId } = await signUp(site, context);
  const made = await newApiKey(context, orgId, 'ci');
  const dialog = page.getByRole('dialog');
  await open(page, `/o/${orgId}/keys`);

  const rolled = await rolledHere(page, async () => {
    await dialog.getByLabel('The secret before works').selectOption({ label: 'for another hour' });
    await expectWellMade(page, 'roll-key');
  });
  expect([await statusOf(made.credential), await statusOf(rolled)]).toEqual([200, 200]);
  await page.getByRole('button', { name: 'Extend the old secret of ci' }).click();
  await dialog.getByLabel('In all').selectOption({ label: 'for another week' });
  await expectWellMade(page, 'extend-overlap');
  await dialog.getByRole('button', { name: 'Extend' }).click();
  await page.getByText('in 6 days').or(page.getByText('in 7 days')).waitFor();
  await page.getByRole('button', { name: 'Take back the roll of ci' }).click();
  await expectWellMade(page, 'take-back');
  await dialog.getByRole('button', { name: 'Take back' }).click();
  await page.locator('.key-note').waitFor({ state: 'detached' });
  await until(async () => (await statusOf(rolled)) === 401);

  await call(site.product, 'POST', '/leak-reports', { credential: made.credential });
  await open(page, `/o/${orgId}`);
  await page.getByRole('link', { name: 'See the key' }).click();
  await page.getByRole('button', { name: 'Unfreeze ci' }).click();
  await dialog.getByLabel('Your current password').fill(PASSWORD);
  await expectWellMade(page, 'unfreeze');
  await dialog.getByRole('button', { name: 'Unfreeze' }).click();
  await page.getByText('Frozen', { exact: true }).waitFor({ state: 'detached' });
  await until(async () => (await statusOf(made.credential)) === 200);

  await call(site.product, 'POST', '/leak-reports', { credential: made.credential });
  await open(page, `/o/${orgId}/keys`);
  const next = await rolledHere(page, async () => expectWellMade(page, 'roll-frozen-key'));
  await page.getByText('Frozen', { exact: true }).waitFor({ state: 'detached' });
  await until(async () => (await statusOf(next)) === 200);
  expect(await statusOf(made.credential)).toBe(401);
  expect(complaints).toEqual([]);
});

/** The secret that it has then. `choose`: in the dialog. */
async function rolledHere(page: Page, choose: () => Promise<void>): Promise<string> {
  await page.getByRole('button', { name: 'Roll ci' }).click();
  await choose();
  await page.getByRole('dialog').getByRole('button', { name: 'Roll' }).click();
  const secret = await page.getByTestId('secret').textContent();
  await page.getByRole('button', { name: 'I have kept it' }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  return secret ?? '';
}

async function newApiKey(context: BrowserContext, orgId: string, name: string) {
  const headers = { origin: site.product.api };
  const made = await context.request.post(`${site.product.api}/api/v1/api-keys`, { data: { orgId, name }, headers });
  return (await made.json()) as { readonly id: string; readonly credential: string };
}

async function statusOf(credential: string): Promise<number> {
  const answer = await fetch(`${site.product.api}/v1/models`, { headers: { authorization: `Bearer ${credential}` } });
  return answer.status;
}
