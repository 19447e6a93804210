// Companies that have applied for Enterprise and wait: made over HTTP, by the operator, as somebody would who types in what came by post.
import { expect } from '@jest/globals';
import type { RunningProduct } from '../support/running-product.ts';

const NAMES = [
  'Initech',
  'Globex',
  'Hooli',
  'Umbrella Laboratories',
  'Stark Industries',
  'Wayne Enterprises',
  'Wonka Confectionery',
  'Cyberdyne Systems',
  'Tyrell Corporation',
  '北京星辰科技有限公司',
];

/** Ten; some are hinted at. */
export async function tenApply(product: RunningProduct): Promise<void> {
  for (const [at, company] of NAMES.entries()) await apply(product, company, at);
}

async function apply(product: RunningProduct, company: string, at: number): Promise<void> {
  const domain = `company-${at}.example`;
  const mail = at % 3 === 1 ? 'gmail.com' : domain;
  const orgId = (await call(product, 'POST', '/organizations', { name: company })).id;
  const owner = await call(product, 'POST', '/persons', { email: `owner-${at}@${domain}`, name: 'Olivia Owner' });
  await call(product, 'PATCH', `/persons/${owner.id}`, { verified: true, reason: 'known to us' });
  await call(product, 'POST', `/organizations/${orgId}/members`, { personId: owner.id, role: 'owner' });
  const form = {
    ...{ company, domain, residency: 'eu', useCase: `Answers what customers of ${company} ask, in six languages.` },
    monthlyVolumeCents: 200_000 * (at + 1),
    wantedTerms: { creditLineCents: at === 4 ? 50_000_000 : 300_000 * (at + 1), netDays: 30, note: null },
    contacts: [{ name: 'Olivia Owner', email: `olivia@${mail}` }],
  };
  const path = `/organizations/${orgId}/applications`;
  const { id } = await call(product, 'POST', path, { form });
  await call(product, 'POST', `${path}/${id}/submit`, {});
}

/** By the operator. */
export async function call(
  { api, adminToken }: RunningProduct,
  method: string,
  path: string,
  body: object,
): Promise<{ readonly id: string }> {
  const headers = { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json', 'if-match': '*' };
  const answer = await fetch(`${api}/api/v1${path}`, { method, headers, body: JSON.stringify(body) });
  expect([path, answer.ok]).toEqual([path, true]);
  return (await answer.json()) as { readonly id: string };
}
