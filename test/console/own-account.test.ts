// What somebody does with his account over the years: he signs in by a passkey, comes by a link from elsewhere, takes another mail address and has the one before back, leaves
// an organization, downloads what we keep of him, and closes the account and opens it again.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { barriersOn } from './accessibility.ts';
import {
  CODE,
  type ConsoleSite,
  expectNoSidewaysScrolling,
  openConsoleSite,
  picture,
  type Visit,
} from './console-site.ts';
import { PASSWORD, signUp } from './person.ts';

const ANOTHER = 'ada@engines.example';
const NEW_PASSWORD = 'six more words than before';

let site: ConsoleSite;
let elsewhere: Server;

beforeAll(async () => {
  site = await openConsoleSite();
  // To a browser localhost and 127.0.0.1 are two sites, as our pages and those of a mailbox are.
  elsewhere = createServer((_, res) => {
    res.setHeader('content-type', 'text/html').end(`<a href="${site.url}/account">from a mail</a>`);
  }).listen(0, 'localhost');
  await once(elsewhere, 'listening');
});
afterAll(async () => {
  elsewhere.close();
  await site.close();
});

async function expectWellMade(page: Page, name: string): Promise<void> {
  await picture(page, name);
  expect([name, await barriersOn(page)]).toEqual([name, []]);
  await expectNoSidewaysScrolling(page);
}

const dialog = (page: Page) => page.getByRole('dialog');

async function signIn(page: Page, email: string, password: string, url = site.url): Promise<void> {
  await page.goto(`${url}/sign-in`);
  await page.getByLabel('Mail address').fill(email);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

async function newAddress(page: Page, email: string): Promise<void> {
  await page.getByRole('button', { name: 'Use another address' }).click();
  await dialog(page).getByLabel('New mail address').fill(ANOTHER);
  await dialog(page).getByLabel('Your current password').fill('not his password');
  await dialog(page).getByRole('button', { name: 'Send the code' }).click();
  await dialog(page).getByText('This is not your password').waitFor();
  await expectWellMade(page, 'mail-change-refused');
  await dialog(page).getByLabel('Your current password').fill(PASSWORD);
  await dialog(page).getByRole('button', { name: 'Send the code' }).click();
  await dialog(page).getByText(ANOTHER).waitFor();
  await page.reload();
  await page.getByText(email, { exact: true }).waitFor();
  await expectWellMade(page, 'mail-change-awaited');
  await page.getByRole('button', { name: 'Enter the code' }).click();
  await dialog(page)
    .getByLabel('Code')
    .fill(await site.mailedTo(ANOTHER, CODE));
  await expectWellMade(page, 'mail-change-code');
  await dialog(page).getByRole('button', { name: 'Use this address' }).click();
  await dialog(page).waitFor({ state: 'detached' });
  await page.getByText(ANOTHER, { exact: true }).waitFor();
}

test('an account is signed in to from a link elsewhere, has another address and the one before again', async () => {
  const { page, context, complaints } = await site.visit();
  const { email } = await signUp(site, context);

  await page.goto(`http://localhost:${(elsewhere.address() as AddressInfo).port}/`);
  await page.getByRole('link').click();
  await page.getByRole('heading', { name: 'Account and security' }).waitFor();
  await newAddress(page, email);
  await page.goto(await site.mailedTo(email, /http\S+\/console\/mail-back#\S+/));
  await page.getByLabel('New password').fill('password1');
  await page.getByRole('button', { name: 'Take it back' }).click();
  await page.getByText('one of those that are guessed first').waitFor();
  await expectWellMade(page, 'mail-back-refused');
  await page.getByLabel('New password').fill(NEW_PASSWORD);
  await page.getByRole('button', { name: 'Take it back' }).click();
  await page.getByRole('heading', { name: 'Your account is yours again' }).waitFor();
  await expectWellMade(page, 'mail-back-done');
  await signIn(page, email, NEW_PASSWORD);
  await page.getByRole('heading', { name: 'Overview' }).waitFor();

  expect(complaints).toEqual([]);
});

/** A device with a finger on it. Passkeys are bound to a name, so the console is opened by that of this machine. */
async function withDevice({ page, context }: Visit): Promise<string> {
  const devices = await context.newCDPSession(page);
  await devices.send('WebAuthn.enable');
  await devices.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      ...{ protocol: 'ctap2', transport: 'internal', hasResidentKey: true },
      ...{ hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
    },
  });
  return byName();
}

function byName(): string {
  return site.url.replace('127.0.0.1', 'localhost');
}

test('a passkey is added, signs in without a password, is renamed and removed, and is refused afterwards', async () => {
  const visit = await site.visit();
  const { page, context, complaints } = visit;
  const { email } = await signUp(site, context);
  await page.goto(`${site.url}/account`);
  const url = await withDevice(visit);
  await page.getByRole('link', { name: `${url}/account` }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await signIn(page, email, PASSWORD, url);
  await page.getByRole('heading', { name: 'Overview' }).waitFor();

  await page.goto(`${url}/account`);
  await addPasskey(page);
  await dialog(page).waitFor({ state: 'detached' });
  await page.getByRole('button', { name: /^Rename Chrome/ }).click();
  await dialog(page).getByLabel('Name').fill('My laptop');
  await expectWellMade(page, 'passkey-renamed');
  await dialog(page).getByRole('button', { name: 'Save' }).click();
  await page.getByText('My laptop').waitFor();
  await expectWellMade(page, 'passkeys');
  await context.clearCookies();
  await page.goto(`${url}/sign-in`);
  await expectWellMade(page, 'sign-in-passkey');
  await page.getByRole('button', { name: 'Use a passkey' }).click();
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  await page.goto(`${url}/account`);
  await page.getByRole('button', { name: 'Remove My laptop' }).click();
  await dialog(page).getByLabel('Your current password').fill(PASSWORD);
  await expectWellMade(page, 'passkey-removed');
  await dialog(page).getByRole('button', { name: 'Remove' }).click();
  await dialog(page).waitFor({ state: 'detached' });
  await page.getByText('My laptop').waitFor({ state: 'detached' });
  await context.clearCookies();
  await page.goto(`${url}/sign-in`);
  await page.getByRole('button', { name: 'Use a passkey' }).click();
  await page.getByText('This passkey opens no account here').waitFor();
  await expectWellMade(page, 'sign-in-passkey-refused');

  expect(complaints).toEqual([]);
});

async function addPasskey(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  await dialog(page).getByLabel('Your current password').fill(PASSWORD);
  await dialog(page).getByRole('button', { name: 'Continue' }).click();
}

/** Of two, with an API key of the first one's. */
async function shared(orgId: string, personId: string): Promise<void> {
  const call = async (path: string, body: object) => {
    const headers = { authorization: `Bearer ${site.product.adminToken}`, 'content-type': 'application/json' };
    const sent = { method: 'POST', headers, body: JSON.stringify(body) };
    const answer = await fetch(`${site.product.api}/api/v1${path}`, sent);
    expect(answer.status).toBe(201);
    return (await answer.json()) as { readonly id: string };
  };
  await site.product.admin.query('update organizations set seats = null where id = $1', [orgId]);
  const { id: colleague } = await call('/persons', { email: 'charles@babbage.example', name: 'Charles Babbage' });
  await call(`/organizations/${orgId}/members`, { personId: colleague, role: 'owner' });
  await call('/api-keys', { orgId, memberId: personId, name: 'laptop' });
}

test('an organization is left with its keys handed over, what is kept is downloaded, and the account closed and opened again', async () => {
  const { page, context, complaints } = await site.visit();
  const { email, orgId } = await signUp(site, context, { name: 'Ada Lovelace' });
  const me = await context.request.get(`${site.product.api}/api/v1/me`);
  await shared(orgId, ((await me.json()) as { readonly id: string }).id);
  await page.goto(`${site.url}/account`);

  await page.getByRole('button', { name: 'Close my account' }).click();
  await dialog(page).getByText('Others belong to Ada Lovelace').waitFor();
  await expectWellMade(page, 'closing-obstacles');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Leave Ada Lovelace' }).click();
  await dialog(page).getByLabel('API keys in use').selectOption({ label: 'Hand them over to Charles Babbage' });
  await expectWellMade(page, 'leaving');
  await dialog(page).getByRole('button', { name: 'Leave' }).click();
  await page.getByRole('button', { name: 'Leave Ada Lovelace' }).waitFor({ state: 'detached' });
  const downloading = page.waitForEvent('download');
  await page.getByRole('link', { name: 'Download' }).click();
  const data = JSON.parse(readFileSync((await (await downloading).path()) ?? '', 'utf8')) as { profile: object };
  await page.getByRole('button', { name: 'Close my account' }).click();
  await dialog(page).getByLabel('Your current password').fill(PASSWORD);
  await expectWellMade(page, 'closing');
  await dialog(page).getByRole('button', { name: 'Close it now' }).click();
  await page.getByRole('heading', { name: 'Your account is closed' }).waitFor();
  await expectWellMade(page, 'closed');
  await signIn(page, email, PASSWORD);
  await page.getByText('This account was closed').waitFor();
  await page.goto('about:blank');
  await page.goto(await site.mailedTo(email, /http\S+\/console\/reopen#\S+/));
  await page.getByRole('button', { name: 'Open it again' }).click();
  await page.getByRole('heading', { name: 'Your account is open again' }).waitFor();
  await signIn(page, email, PASSWORD);
  await page.getByRole('heading', { name: 'Account and security' }).waitFor();

  expect(data.profile).toMatchObject({ email });
  expect(complaints).toEqual([]);
});

test('the same in Chinese, in the dark and on a phone meets no barrier', async () => {
  const { page, context, complaints } = await site.visit({ language: 'zh', scheme: 'dark', width: 375 });
  // As after five others from this network.
  await site.product.admin.query(
    'insert into auth.trial_networks (network) select network from auth.trial_networks, generate_series(1, 5)',
  );
  const { orgId } = await signUp(site, context, { locale: 'zh' });

  for (const path of [`o/${orgId}`, `o/${orgId}/start`]) {
    await page.goto(`${site.url}/${path}`);
    await page.getByText('暂无额度').waitFor();
    await expectWellMade(page, `no-trial-${path.endsWith('start') ? 'start' : 'overview'}-zh-dark-375`);
  }
  // By its name, as passkeys want it.
  await context.addCookies((await context.cookies()).map((cookie) => ({ ...cookie, domain: 'localhost' })));
  await page.goto(`${byName()}/account`);
  for (const [name, part] of [
    ['mail', '更换邮箱'],
    ['passkey', '添加通行密钥'],
    ['leaving', /^退出 /],
    ['closing', '关闭我的账户'],
  ] as const) {
    await page.getByRole('button', { name: part }).click();
    await dialog(page).locator('p, form').first().waitFor();
    await expectWellMade(page, `own-account-${name}-zh-dark-375`);
    await page.keyboard.press('Escape');
    await dialog(page).waitFor({ state: 'detached' });
  }
  for (const path of ['mail-back', 'reopen']) {
    await page.goto(`${site.url}/${path}`);
    await page.locator('h1').waitFor();
    await expectWellMade(page, `${path}-zh-dark-375`);
  }

  expect(complaints).toEqual([]);
});
