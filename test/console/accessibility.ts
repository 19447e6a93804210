// What axe-core finds wrong with a page as it stands, of the rules of WCAG 2.2 AA and of good practice.
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright-core';

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const RULES_OF_COLOURS = ['color-contrast', 'link-in-text-block'];

/** `known`: rules of which something else is proof. */
export function barriersOn(page: Page, known: readonly string[] = []): Promise<string[]> {
  return found(page, (axe) => axe.withTags(RULES).disableRules([...known]));
}

/** Of a page that has no other: what it is made of does not change with its colours. */
export function poorColoursOn(page: Page): Promise<string[]> {
  return found(page, (axe) => axe.withRules(RULES_OF_COLOURS));
}

async function found(page: Page, by: (axe: AxeBuilder) => AxeBuilder): Promise<string[]> {
  // Colours that are still on their way from one to another have no contrast yet.
  await page.evaluate('Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => null)))');
  // No frames, so no second page to gather results in.
  const { violations } = await by(new AxeBuilder({ page }).setLegacyMode(true)).analyze();
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`);
}
