// A page that everybody can use, in light and in dark. Its pictures are for people to look at.
import { expect } from '@jest/globals';
import type { Page } from 'playwright-core';
import { barriersOn, poorColoursOn } from './accessibility.ts';
import { expectNoSidewaysScrolling, picture } from './console-site.ts';

/** Leaves it in light. */
export async function expectWellMadeInBoth(page: Page, name: string): Promise<void> {
  await page.emulateMedia({ colorScheme: 'dark' });
  await picture(page, `${name}-dark`);
  expect([name, 'dark', await poorColoursOn(page)]).toEqual([name, 'dark', []]);
  await page.emulateMedia({ colorScheme: 'light' });
  await picture(page, `${name}-light`);
  expect([name, 'light', await barriersOn(page)]).toEqual([name, 'light', []]);
  await expectNoSidewaysScrolling(page);
}
