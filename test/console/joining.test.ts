// Somebody who is invited comes in by the link of the mail, with or without an account, and goes from one of his organizations to another; and
// somebody whom we ask to work for us by two who agree on it.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { barriersOn } from './accessibility.ts';
import { CODE, type ConsoleSite, openConsoleSite, picture } from './console-site.ts';
import { openFromQueue } from './keyboard.ts';
import { colleague, PASSWORD, secondFactorOf, signUp } from './person.ts';
import { expectWellMadeInBoth } from './well-made.ts';

const GUEST = 'charles@babbage.example';

let site: ConsoleSite;

beforeAll(async () => {
  site = await openConsoleSite();
});
afterAll(() => site.close());

async function invited(guest = GUEST): Promise<string> {
  const call = async (path: string, body: object) => {
    const headers = { authorization: `Bearer ${site.product.adminToken}`, 'content-type': 'application/json' };
    const sent = { method: 'POST', headers, body: JSON.stringify(body) };
    const answer = await fetch(`${site.product.api}/api/v1${path}`, sent);
    expect(answer.status).toBe(201);
    return (await answer.json()) as { readonly id: string };
  };
  const { id } = await call('/organizations', { name: 'Analytical Engines' });
  await call(`/organizations/${id}/invitations`, { email: guest, role: 'owner' });
  return site.mailedTo(guest, /http\S+\/console\/join\/[\w-]+/);
}

test('who is invited and has no account signs up on the way, joins, and may go to his own organization', async () => {
  const link = await invited();
  const { page, complaints } = await site.visit();

  await page.goto(link);
  await page.getByText('To join, sign in with the address to which you were invited.').waitFor();
  await page.getByRole('link', { name: 'Create an account' }).click();
  await page.getByLabel('Your name').fill('Charles Babbage');
  await page.getByLabel('Mail address').fill(GUEST);
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Create account' }).click();
  await page.getByLabel('Code', { exact: true }).fill(await site.mailedTo(GUEST, CODE));
  await page.getByRole('button', { name: 'Confirm' }).click();
  await page.getByText('You are invited to Analytical Engines, as owner.').waitFor();
  await picture(page, 'join');
  expect(await barriersOn(page)).toEqual([]);
  await page.getByRole('button', { name: 'Join' }).click();

  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  await page.getByRole('button', { name: 'Organization: Analytical Engines' }).click();
  await page.getByRole('menuitem', { name: 'Charles Babbage' }).waitFor();
  expect(await barriersOn(page)).toEqual([]);
  await page.getByRole('menuitem', { name: 'Charles Babbage' }).click();
  await page.getByRole('button', { name: 'Organization: Charles Babbage' }).waitFor();
  expect(complaints).toEqual([]);
});

test('who is invited, has an account and took another way first still comes to the invitation', async () => {
  const { page } = await site.visit();
  const { email } = await signUp(site, (await site.visit()).context);

  await page.goto(await invited(email));
  await page.getByRole('link', { name: 'Create an account' }).click();
  await page.getByRole('link', { name: 'Sign in' }).click();
  await page.getByRole('link', { name: 'Forgot your password?' }).click();
  await page.getByRole('link', { name: 'Back to signing in' }).click();
  await page.getByLabel('Mail address').fill(email);
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();

  await page.getByText('You are invited to Analytical Engines, as owner.').waitFor();
});

test('two admins make somebody one of us by pages; he begins with what he may see, also with an organization of his own', async () => {
  const [ann, ben] = [
    await colleague(site, 'Ann Admin', 'admin'),
    await colleague(site, 'Ben Admin', 'admin', { language: 'zh', width: 390 }),
  ];
  const sue = await site.visit();
  const { email } = await signUp(site, sue.context, { name: 'Sue Support' });
  await secondFactorOf(site, email);

  await ann.page.goto(`${site.url}/`);
  await ann.page.getByRole('link', { name: 'Our people' }).click();
  await ann.page.getByRole('button', { name: 'Give somebody roles' }).click();
  await ann.page.getByLabel('Mail address of his account').fill('nobody@lovelace.example');
  await ann.page.getByLabel('Why?').fill('She answers from Monday on');
  await ann.page.getByRole('button', { name: 'Propose it' }).click();
  await ann.page.getByText('Choose one role at least.').waitFor();
  await ann.page.getByRole('checkbox', { name: /^Support/ }).check();
  await ann.page.getByRole('button', { name: 'Propose it' }).click();
  await ann.page.getByText('Nobody with this address has an account.').waitFor();
  await ann.page.getByLabel('Mail address of his account').fill(email);
  await expectWellMadeInBoth(ann.page, 'staff-roles');
  await ann.page.getByRole('button', { name: 'Propose it' }).click();
  await ann.page.getByText('Another admin finds this in the inbox now').waitFor();
  await openFromQueue(site, ben.page, '员工角色');
  await ben.page.getByText(`Sue Support · ${email}`).waitFor();
  await ben.page.keyboard.press('a');
  await ben.page.keyboard.type('Agreed');
  await ben.page.keyboard.press('Enter');
  await ben.page.getByText('已完成', { exact: true }).waitFor();
  await ben.page.goto(`${site.url}/staff/people`);
  await ben.page.getByRole('row', { name: email }).getByText('客服').waitFor();
  await expectWellMadeInBoth(ben.page, 'staff-people');

  await sue.page.goto(`${site.url}/`);
  await sue.page.getByRole('heading', { name: 'Customers' }).waitFor();
  expect(await sue.page.getByRole('button', { name: 'Give somebody roles' }).count()).toBe(0);
  expect([...ann.complaints, ...ben.complaints, ...sue.complaints]).toEqual([]);
});

test('an invitation that was sent to somebody else is told whose it is not', async () => {
  const link = await invited();
  const { page, context } = await site.visit();
  const { email } = await signUp(site, context);

  await page.goto(link);
  await page.getByRole('button', { name: 'Join' }).click();

  await page.getByText(`This invitation was sent to another address than ${email}.`).waitFor();
});
