// Whoever approves what another one of us asked for: from the page of its customer, on the page of what was asked for, which says what came of it.
import type { Page } from 'playwright-core';

export async function approve(page: Page, why: string): Promise<void> {
  await page.getByRole('link', { name: 'Open it' }).click();
  await page.getByRole('button', { name: 'Approve' }).click();
  await page.getByLabel('Why?').fill(why);
  await page.getByRole('dialog').getByRole('button', { name: 'Approve' }).click();
  await page.getByText('Done', { exact: true }).waitFor();
}
