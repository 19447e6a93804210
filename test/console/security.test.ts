// What somebody does for the safety of his account, by the pages: a second factor, another password, the end of a session that he does not know.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { BrowserContext, Page } from 'playwright-core';
import { codeAt } from '../../services/accounts/totp.ts';
import { barriersOn } from './accessibility.ts';
import { type ConsoleSite, expectNoSidewaysScrolling, openConsoleSite, picture } from './console-site.ts';
import { PASSWORD, signUp } from './person.ts';

const STEP_MS = 30_000;
const ANOTHER_PASSWORD = 'five other words will do';

let site: ConsoleSite;

beforeAll(async () => {
  site = await openConsoleSite();
});
afterAll(() => site.close());

async function signIn(page: Page, email: string, password: string): Promise<void> {
  await page.goto(`${site.url}/sign-in`);
  await page.getByLabel('Mail address').fill(email);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

async function expectWellMade(page: Page, name: string): Promise<void> {
  await picture(page, name);
  expect([name, await barriersOn(page)]).toEqual([name, []]);
  await expectNoSidewaysScrolling(page);
}

/** As an authenticator app computes it. */
function codeOfApp(secret: string, stepsAhead = 0): string {
  const bits = [...secret].map((letter) =>
    'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'),
  );
  const bytes = (bits.join('').match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2));
  return codeAt(Buffer.from(bytes), Math.floor(Date.now() / STEP_MS) + stepsAhead);
}

test('a second factor is set up by an app, asked for at the next sign-in, and replaced by a recovery code', async () => {
  const { page, context, complaints } = await site.visit();
  const { email } = await signUp(site, context);
  await page.goto(`${site.url}/account`);
  await page.getByRole('button', { name: 'Set up a second factor' }).click();
  await page.getByRole('dialog').getByLabel('Your current password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByRole('img', { name: 'QR code for your authenticator app' }).waitFor();
  await expectWellMade(page, 'second-factor-device');
  const secret = ((await page.getByTestId('seed').textContent()) ?? '').replaceAll(' ', '');
  await page.getByRole('dialog').getByLabel('Code', { exact: true }).fill(codeOfApp(secret));
  await page.getByRole('button', { name: 'Turn it on' }).click();
  await page.getByRole('button', { name: 'I have kept them' }).waitFor();
  await expectWellMade(page, 'second-factor-codes');
  const [recoveryCode = ''] = await page.getByRole('listitem').locator('code').allTextContents();
  await page.getByRole('button', { name: 'I have kept them' }).click();
  await page.getByText('On', { exact: true }).waitFor();
  expect(complaints).toEqual([]);

  const other = await site.visit();
  await signIn(other.page, email, PASSWORD);
  await other.page.getByLabel('Code', { exact: true }).fill('000 000');
  await other.page.getByRole('button', { name: 'Sign in' }).click();
  await other.page.getByText('This code is not right').waitFor();
  await expectWellMade(other.page, 'second-factor-refused');
  await fourMoreWrongCodes(other.context);
  await other.page.getByRole('button', { name: 'Sign in' }).click();
  await other.page.getByText('No code counts here any more').waitFor();
  await expectWellMade(other.page, 'second-factor-over');
  await other.page.getByRole('button', { name: 'Start again' }).click();
  await other.page.getByLabel('Mail address').fill(email);
  await other.page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await other.page.getByRole('button', { name: 'Sign in' }).click();
  await other.page.getByRole('button', { name: 'Use a recovery code' }).click();
  await other.page.getByLabel('Recovery code').fill(recoveryCode);
  await other.page.getByRole('button', { name: 'Sign in' }).click();
  await other.page.getByRole('heading', { name: 'Overview' }).waitFor();

  const third = await site.visit();
  await signIn(third.page, email, PASSWORD);
  await third.page.getByLabel('Code', { exact: true }).fill(codeOfApp(secret, 1));
  await third.page.getByRole('button', { name: 'Sign in' }).click();
  await third.page.getByRole('heading', { name: 'Overview' }).waitFor();
});

async function fourMoreWrongCodes(context: BrowserContext): Promise<void> {
  const { api } = site.product;
  for (let tries = 0; tries < 4; tries += 1) {
    const wrong = { data: { code: '000000' }, headers: { origin: api } };
    expect((await context.request.post(`${api}/api/v1/sign-ins/second-factor`, wrong)).status()).toBe(422);
  }
}

test('another password ends the other sessions, and the old one opens nothing', async () => {
  const { here, elsewhere, email } = await inTwoBrowsers();

  await here.page.goto(`${site.url}/account`);
  await here.page.getByLabel('Your current password').fill('not his password');
  await here.page.getByLabel('New password').fill(ANOTHER_PASSWORD);
  await here.page.getByRole('button', { name: 'Change password' }).click();
  await here.page.getByText('This is not your password').waitFor();
  await here.page.getByLabel('Your current password').fill(PASSWORD);
  await here.page.getByRole('button', { name: 'Change password' }).click();
  await here.page.getByText('Saved').waitFor();

  await elsewhere.page.getByRole('link', { name: 'API keys' }).click();
  await elsewhere.page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await signIn(elsewhere.page, email, PASSWORD);
  await elsewhere.page.getByRole('alert').waitFor();
  await signIn(elsewhere.page, email, ANOTHER_PASSWORD);
  await elsewhere.page.getByRole('heading', { name: 'Overview' }).waitFor();
});

test('a session that somebody does not know ends when he says so', async () => {
  const { here, elsewhere } = await inTwoBrowsers();

  await here.page.goto(`${site.url}/account`);
  await here.page.getByRole('button', { name: /^End the session of Chrome/ }).click();
  await here.page.getByRole('button', { name: /^End the session of/ }).waitFor({ state: 'detached' });

  await elsewhere.page.reload();
  await elsewhere.page.getByRole('heading', { name: 'Sign in' }).waitFor();
});

test('a forgotten password is replaced by the link of a mail, once, and what is written while the page comes is not lost', async () => {
  const { page, context } = await site.visit();
  const { email } = await signUp(site, context);
  await context.clearCookies();
  await page.goto(`${site.url}/sign-in`);
  const line = await slowLine(page, 'forgotten-password');
  await page.getByRole('link', { name: 'Forgot your password?' }).click();
  await page.getByLabel('Mail address').fill(email);
  line.goOn();
  await page.getByRole('button', { name: 'Send the link' }).click();
  await page.getByRole('heading', { name: 'Look into your mail' }).waitFor();
  await expectWellMade(page, 'forgotten-password-sent');
  const link = await site.mailedTo(email, /http\S+\/console\/password-reset#\S+/);

  for (const outcome of ['Your password is changed', 'This link was used already']) {
    await page.goto('about:blank');
    await page.goto(link);
    await page.reload(); // nothing of a link is lost by it
    await page.getByLabel('New password').fill(ANOTHER_PASSWORD);
    expect(page.url()).not.toContain('#');
    await page.getByRole('button', { name: 'Save the password' }).click();
    await page.getByText(outcome).waitFor();
  }

  await signIn(page, email, ANOTHER_PASSWORD);
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
});

/** A page of the console is not there before this says so. */
async function slowLine(page: Page, name: string): Promise<{ goOn(): void }> {
  const { promise, resolve } = Promise.withResolvers<void>();
  await page.route(`**/assets/${name}-*.js`, async (route) => {
    await promise;
    await route.continue();
  });
  return { goOn: resolve };
}

async function inTwoBrowsers() {
  const here = await site.visit();
  const { email } = await signUp(site, here.context);
  const elsewhere = await site.visit();
  await signIn(elsewhere.page, email, PASSWORD);
  await elsewhere.page.getByRole('heading', { name: 'Overview' }).waitFor();
  return { here, elsewhere, email };
}
