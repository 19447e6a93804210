// Somebody who has no mouse.
import type { Page } from 'playwright-core';
import type { ConsoleSite } from './console-site.ts';

/** More stops than any page has. */
const MOST_STOPS = 60;

/** Tab until the focus is on what a screen reader calls by this name. */
export async function tabTo(page: Page, name: string): Promise<void> {
  for (let stop = 0; stop < MOST_STOPS; stop += 1) {
    await page.keyboard.press('Tab');
    if ((await focused(page)) === name) return;
  }
  throw new Error(`no stop of Tab is called "${name}"`);
}

export function focused(page: Page): Promise<string> {
  return page.evaluate<string>(`(() => {
    const { activeElement: element } = document;
    return (element.getAttribute('aria-label') ?? element.labels?.[0]?.textContent ?? element.textContent).trim();
  })()`);
}

/** Through the inbox to the one that is called so. */
export async function findInQueue(site: ConsoleSite, page: Page, name: string): Promise<void> {
  await page.goto(`${site.url}/staff/inbox`);
  await page.getByRole('listitem').first().waitFor();
  do await page.keyboard.press('j');
  while (!(await focused(page)).includes(name));
}

/** And in. `title`: of the page that it leads to. */
export async function openFromQueue(site: ConsoleSite, page: Page, name: string, title = name): Promise<void> {
  await findInQueue(site, page, name);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: title }).waitFor();
}
