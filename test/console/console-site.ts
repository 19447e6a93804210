// The console as people meet it: the whole product with the console built into it, mails that arrive, and Chromium. Whatever a page does
// that its policy forbids, or throws, fails the test that is looking at it.
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { findChromium, INSTALL_CHROMIUM } from '../../scripts/parts/chromium.ts';
import { buildConsole } from '../../scripts/parts/console-build.ts';
import { Deliveries } from '../../services/notifications/deliveries.ts';
import { MailSender } from '../../services/notifications/mail-sender.ts';
import { createLog } from '../../services/platform/log.ts';
import { createPool } from '../../services/platform/postgres.ts';
import { mailSite } from '../../workers/mail-site.ts';
import { type RunningProduct, startRunningProduct } from '../support/running-product.ts';
import { startSmtpInbox } from '../support/smtp-inbox/server.ts';
import { until } from '../support/until.ts';

const CHECKOUT = join(import.meta.dirname, '../..');
/** Not kept by git: to be looked at. */
const PICTURES = join(CHECKOUT, '.tollgate/console-pictures');
const FROM = 'Tollgate <billing@tollgate.example>';

/** Of a mail. */
export const CODE = /\b\d{6}\b/;

export interface Looks {
  readonly language: 'en' | 'zh';
  readonly scheme: 'light' | 'dark';
  /** 375: a phone held upright. */
  readonly width: number;
}

const USUAL: Looks = { language: 'en', scheme: 'light', width: 1280 };

export interface Visit {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What the browser complained of so far. */
  readonly complaints: readonly string[];
}

export interface ConsoleSite {
  readonly product: RunningProduct;
  /** http://127.0.0.1:<port>/console */
  readonly url: string;
  /** A browser of somebody who was never here. */
  visit(looks?: Partial<Looks>): Promise<Visit>;
  /** What this finds in the newest mail to an address that has it. */
  mailedTo(address: string, wanted: RegExp): Promise<string>;
  close(): Promise<void>;
}

/** environment: of the product, beside what every test needs. */
export async function openConsoleSite(environment: NodeJS.ProcessEnv = {}): Promise<ConsoleSite> {
  await buildConsole(CHECKOUT, AbortSignal.timeout(120_000));
  const folder = mkdtempSync(join(tmpdir(), 'console-'));
  const inbox = await startSmtpInbox({ host: '127.0.0.1', smtpPort: 0, pagePort: 0, dataDir: join(folder, 'inbox') });
  const linkSecret = randomBytes(24).toString('hex');
  const product = await startRunningProduct({ TOLLGATE_LINK_SECRET: linkSecret, ...environment });
  const post = postOffice(product, inbox.smtpUrl, linkSecret);
  const browser = await startBrowser();
  return {
    product,
    url: `${product.api}/console`,
    visit: (looks = {}) => openVisit(browser, { ...USUAL, ...looks }),
    async mailedTo(address, wanted) {
      let found: string | undefined;
      await until(async () => {
        await post.deliver();
        const answer = await fetch(`${inbox.url}/api/mails?to=${encodeURIComponent(address)}`);
        const mails = (await answer.json()) as { readonly text: string | null }[];
        found = mails.flatMap(({ text }) => wanted.exec(text ?? '')?.[0] ?? []).at(-1);
        return found !== undefined;
      });
      return found ?? '';
    },
    async close() {
      await browser.close();
      await post.close();
      await product.stop();
      await inbox.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** What a worker does for mails, when the test asks for it. */
function postOffice({ database, api }: RunningProduct, smtpUrl: string, linkSecret: string) {
  const db = createPool(database.urlFor('worker'), { name: 'post', maxConnections: 2, statementTimeoutMs: 5_000 });
  const sender = new MailSender({ url: smtpUrl, from: FROM });
  const deliveries = new Deliveries({
    db,
    sender,
    from: FROM,
    staff: 'staff@tollgate.example',
    site: mailSite(api, linkSecret, `${api}/runbook`),
    onHandedOver: async () => undefined,
    log: createLog({ name: 'post', level: 'silent' }),
  });
  return {
    async deliver() {
      while (await deliveries.deliverNext());
    },
    async close() {
      sender.close();
      await db.end();
    },
  };
}

function startBrowser(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === null) throw new Error(`Chromium is missing: run as root: ${INSTALL_CHROMIUM}`);
  const args = ['--no-sandbox', '--disable-background-networking', '--disable-component-update', '--no-first-run'];
  return chromium.launch({ executablePath, args });
}

async function openVisit(browser: Browser, { language, scheme, width }: Looks): Promise<Visit> {
  const context = await browser.newContext({
    locale: language === 'zh' ? 'zh-CN' : 'en-US',
    colorScheme: scheme,
    viewport: { width, height: width < 500 ? 812 : 860 },
    reducedMotion: 'reduce',
    timezoneId: 'Europe/Berlin',
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (said) => {
    // A status of 400 and above is an answer like others, which the page has to tell in its own words.
    const isAnswer = said.text().startsWith('Failed to load resource');
    if (said.type() === 'error' && !isAnswer) complaints.push(said.text());
  });
  return { page, context, complaints };
}

/** Into a folder for people; a test reads nothing of it. */
export async function picture(page: Page, name: string): Promise<void> {
  mkdirSync(PICTURES, { recursive: true });
  await page.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true, animations: 'disabled' });
}

/** Nor does a table on a phone, where nobody would see that it does. */
export async function expectNoSidewaysScrolling(page: Page): Promise<void> {
  const [needed, given] = await page.evaluate<[number, number]>(
    '[document.documentElement.scrollWidth, document.documentElement.clientWidth]',
  );
  expect(needed).toBeLessThanOrEqual(given);
  const hidden = await page.evaluate<string[]>(
    `innerWidth > 640 ? [] : [...document.querySelectorAll('.wide-table')]
      .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth).map((table) => table.getAttribute('aria-label'))`,
  );
  expect(hidden).toEqual([]);
}
