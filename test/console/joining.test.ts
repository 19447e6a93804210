// Somebody who is invited comes in by the link of the mail, with or without an account, and goes from one of his organizations to another.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { barriersOn } from './accessibility.ts';
import { CODE, type ConsoleSite, openConsoleSite, picture } from './console-site.ts';
import { PASSWORD, signUp } from './person.ts';

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

test('whoever works for us and belongs nowhere begins with what he may see', async () => {
  const { page, context } = await site.visit();
  const { email } = await signUp(site, context);
  const { rows } = await site.product.admin.query<{ id: string }>('select id from persons where email = $1', [email]);
  for (const statement of [
    `insert into staff_roles (person_id, role) values ($1, 'support')`,
    `insert into auth.second_factors (person_id, sealed, master_key_version, enrolled_at) values ($1, '{"v": 1}', 1, clock_timestamp())`,
    `update memberships set status = 'removed' where person_id = $1`,
  ])
    await site.product.admin.query(statement, [rows[0]?.id]);

  await page.goto(`${site.url}/`);

  await page.getByRole('heading', { name: 'Customers' }).waitFor();
});

test('an invitation that was sent to somebody else is told whose it is not', async () => {
  const link = await invited();
  const { page, context } = await site.visit();
  const { email } = await signUp(site, context);

  await page.goto(link);
  await page.getByRole('button', { name: 'Join' }).click();

  await page.getByText(`This invitation was sent to another address than ${email}.`).waitFor();
});
