// Where mails lead must be there: a page that moved, or was never made, is found by a customer otherwise.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { mailSite } from '../../workers/mail-site.ts';

const site = mailSite(
  'https://tollgate.example',
  'a secret of links that is long enough',
  'https://tollgate.example/runbook',
);
const ROUTER = readFileSync(join(import.meta.dirname, '../../console/src/router.tsx'), 'utf8');

test.each([
  ['the account', site.accountUrl, '/'],
  ['another password', site.resetUrl('id'), '/password-reset'],
  ['the address before', site.mailBackUrl('id'), '/mail-back'],
  ['a closed account', site.reopenUrl('id'), '/reopen'],
  ['an application', site.applicationUrl('org'), '/enterprise'],
  ['an application that waits for us', site.reviewUrl('$id'), '/applications/$id'],
])('the link to %s is a page of the console', (_what, url, path) => {
  const { pathname } = new URL(url);

  expect(pathname).toMatch(/^\/console\//);
  expect(pathname.endsWith(path)).toBe(true);
  expect(ROUTER).toContain(`path: '${path}'`);
});
