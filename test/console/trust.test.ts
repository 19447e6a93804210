// What the console promises to whoever must be able to trust it: names are text, links lead nowhere else, a session that ended shows nothing, and
// its first page is light.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type ConsoleSite, openConsoleSite } from './console-site.ts';
import { PASSWORD, signUp } from './person.ts';
import { expectWellMadeInBoth } from './well-made.ts';

const MARKUP = '<img src=x onerror="document.title=1"><script>alert(1)</script>';
const MOST_FIRST_PAINT_BYTES = 150 * 1024;

let site: ConsoleSite;

beforeAll(async () => {
  site = await openConsoleSite();
});
afterAll(() => site.close());

test('a name that is markup is shown as it was written', async () => {
  const { page, context, complaints } = await site.visit();
  const { orgId } = await signUp(site, context, { name: MARKUP });
  const headers = { origin: site.product.api };
  await context.request.post(`${site.product.api}/api/v1/api-keys`, { data: { orgId, name: MARKUP }, headers });

  await page.goto(`${site.url}/o/${orgId}/keys`);
  await page.getByRole('cell', { name: MARKUP, exact: true }).waitFor();

  expect(await page.locator('main img, main script').count()).toBe(0);
  expect(complaints).toEqual([]);
});

test('whoever is not signed in signs in first, and goes on where he wanted to', async () => {
  const { page, context } = await site.visit();
  const { email, orgId } = await signUp(site, context);
  await context.clearCookies();

  await page.goto(`${site.url}/o/${orgId}/keys`);
  await page.getByLabel('Mail address').fill(email);
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();

  await page.getByRole('heading', { name: 'API keys' }).waitFor();
  expect(new URL(page.url()).pathname).toBe(`/console/o/${orgId}/keys`);
});

test('whoever is signed in and comes to signing in or up is told as whom, and led on or out', async () => {
  const { page, context, complaints } = await site.visit({ width: 390 });
  const { email, orgId } = await signUp(site, context);

  await page.goto(`${site.url}/sign-up`);
  await page.getByText(`As ${email}.`).waitFor();
  await expectWellMadeInBoth(page, 'already-in');
  await page.goto(`${site.url}/sign-in?next=${encodeURIComponent(`/o/${orgId}/keys`)}`);
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByRole('heading', { name: 'API keys' }).waitFor();
  await page.goto(`${site.url}/sign-in`);
  await page.getByRole('button', { name: 'Use another account' }).click();

  await page.getByLabel('Mail address').waitFor();
  await page.goto(`${site.url}/o/${orgId}/keys`);
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  expect(complaints).toEqual([]);
});

test('a link that wants to lead elsewhere after signing in leads to our own pages', async () => {
  for (const next of ['//evil.example/', '/\\evil.example/', 'https://evil.example/', 'javascript:alert(1)']) {
    const { page, context } = await site.visit();
    const { email, orgId } = await signUp(site, context);
    await context.clearCookies();

    await page.goto(`${site.url}/sign-in?next=${encodeURIComponent(next)}`);
    await page.getByLabel('Mail address').fill(email);
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();

    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    expect(page.url()).toBe(`${site.url}/o/${orgId}`);
    await context.close();
  }
});

test('a session that ended meanwhile shows nothing more', async () => {
  const { page, context } = await site.visit();
  const { orgId } = await signUp(site, context);
  await page.goto(`${site.url}/o/${orgId}`);
  await page.getByRole('heading', { name: 'Overview' }).waitFor();

  await context.clearCookies();
  await page.getByRole('link', { name: 'API keys' }).click();

  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  expect(new URL(page.url()).searchParams.get('next')).toBe(`/o/${orgId}/keys`);
});

test('a wrong password is told in the language of the reader, at no loss of what he entered', async () => {
  const { page } = await site.visit({ language: 'zh' });
  await page.goto(`${site.url}/sign-in`);

  await page.getByLabel('邮箱地址').fill('nobody@lovelace.example');
  await page.getByLabel('密码', { exact: true }).fill('not his password');
  await page.getByRole('button', { name: '登录' }).click();

  await page.getByRole('alert').filter({ hasText: '邮箱地址或密码错误' }).waitFor();
  expect(await page.getByLabel('邮箱地址').inputValue()).toBe('nobody@lovelace.example');
});

test('the first page of whoever comes for the first time is light', async () => {
  const { page } = await site.visit({ language: 'zh' });
  const scripts: Promise<number>[] = [];
  page.on('requestfinished', (request) => {
    if (request.url().endsWith('.js')) scripts.push(request.sizes().then(({ responseBodySize }) => responseBodySize));
  });

  await page.goto(`${site.url}/sign-up`, { waitUntil: 'networkidle' });

  const sizes = await Promise.all(scripts);
  expect(sizes.length).toBeGreaterThan(2);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(MOST_FIRST_PAINT_BYTES);
});
