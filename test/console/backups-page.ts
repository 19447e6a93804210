// The page of backups as those use it who keep it running: one is asked for, taken and proven, and drilled; one failed in the night before. What workflows
// do is done here, step by step, so that each is seen.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import type { Page } from 'playwright-core';
import { findPostgres } from '../../scripts/parts/postgres-binaries.ts';
import { Backups, type OpenPlace } from '../../services/backups/backups.ts';
import { DirectoryStore } from '../../services/backups/directory-store.ts';
import { RestoreChecks } from '../../services/backups/restore-checks.ts';
import { serverUser } from '../../services/platform/server-user.ts';
import { noteMigrations } from '../support/noted-migrations.ts';
import { type ConsoleSite, picture } from './console-site.ts';
import type { EngineRoom } from './keys-pages.ts';
import { expectWellMadeInBoth } from './well-made.ts';

const YESTERDAYS = `
  insert into backups (name, kind, opened_at, stage, trouble, answer_by)
  select to_char(now() at time zone 'UTC' - interval '1 day', 'YYYY-MM-DD'), 'nightly', now() - interval '1 day', 'attention',
         'The folder /srv/backups has no room: 12 MB are left', now() + interval '1 hour'`;

export async function takenAndDrilled(site: ConsoleSite, { db, vault }: EngineRoom, page: Page): Promise<void> {
  const temporary = mkdtempSync(join(tmpdir(), 'tollgate-backups-page-'));
  chmodSync(temporary, 0o711); // PostgreSQL walks through it as nobody, where tests run as root
  const place: OpenPlace = {
    databaseUrl: site.product.database.urlFor('backup'),
    store: new DirectoryStore(mkdtempSync(join(site.product.database.folder, 'backups-'))),
    vault,
    programs: [findPostgres(serverUser(), null).folder],
    temporary,
    migrations: join(import.meta.dirname, '../../migrations'),
  };
  try {
    await noteMigrations(site.product.admin);
    await site.product.admin.query(YESTERDAYS);
    await taken(site, new Backups(db, place), page);
    await drilled(new RestoreChecks(db, place), page);
  } finally {
    rmSync(temporary, { recursive: true });
  }
}

async function taken({ url }: ConsoleSite, backups: Backups, page: Page): Promise<void> {
  await page.goto(`${url}/staff/backups`);
  await page.getByText('No backup has proved itself yet.', { exact: false }).waitFor();
  await page.getByText('The folder /srv/backups has no room', { exact: false }).waitFor();
  await picture(page, 'staff-backups-failed');
  await page.route('**/api/v1/backups', async (route) => {
    await route.fetch();
    await route.abort();
  });
  await page.getByRole('button', { name: 'Back up now' }).click();
  await page.getByRole('alert').filter({ hasText: 'cannot be reached' }).waitFor();
  await page.unroute('**/api/v1/backups');
  await page.getByRole('button', { name: 'Back up now' }).click();
  await page.getByText('step 1 of 3', { exact: false }).waitFor();
  // Whoever has heard nothing and asks again has asked for one.
  const [name = '', ...others] = (await backups.openDue()).filter((one) => one.startsWith('by-hand'));
  expect(others).toEqual([]);
  const step = { name, round: 1, isLast: true };
  await backups.take(step);
  await page.getByText('step 2 of 3', { exact: false }).waitFor();
  await picture(page, 'staff-backups-under-way');
  await backups.prove(step);
  expect(await backups.prune(step)).toMatchObject({ stage: 'completed', trouble: null });
  await page.reload();
  await page.getByText('The newest backup that proved itself is of', { exact: false }).waitFor();
}

async function drilled(drills: RestoreChecks, page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Drill now' }).click();
  await page.getByText('is restored by the clock', { exact: false }).waitFor();
  for (const name of await drills.openDue()) await drills.restore({ name, round: 1, isLast: true });
  await page.reload();
  await page.getByText('Passed', { exact: true }).first().waitFor();
  await page.getByRole('button', { name: /: Under way/ }).click();
  await page.getByRole('article').filter({ hasText: 'by-hand' }).getByText('Proven').waitFor();
  await expectWellMadeInBoth(page, 'staff-backups-proven');
}
