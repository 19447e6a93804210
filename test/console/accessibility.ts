// What axe-core finds wrong with a page as it stands, of the rules of WCAG 2.2 AA and of good practice.
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright-core';

/** `known`: rules of which something else is proof. */
export async function barriersOn(page: Page, known: readonly string[] = []): Promise<string[]> {
  // Colours that are still on their way from one to another have no contrast yet.
  await page.evaluate('Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => null)))');
  const { violations } = await new AxeBuilder({ page })
    .setLegacyMode(true) // no frames, so no second page to gather results in
    .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'])
    .disableRules([...known])
    .analyze();
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`);
}
