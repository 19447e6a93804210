// Enterprises whose people come in by a provider, and those people's browsers.
import { randomUUID } from 'node:crypto';
import {
  type IdentityProviderServer,
  type SomebodyThere,
  signInThere,
  startIdentityProvider,
} from '../../support/identity-provider.ts';
import { Browser } from './browser.ts';
import { type Enterprise, enterpriseWith } from './enterprise.ts';
import { type Answered, done, type ManagementApp, startManagementApp } from './management-app.ts';

/** As a provider knows him. */
export interface Known {
  readonly number: string;
  readonly email: string;
}

export class SignOnWorld {
  readonly app: ManagementApp;
  readonly provider: IdentityProviderServer;
  #networks = 0;

  private constructor(app: ManagementApp, provider: IdentityProviderServer) {
    this.app = app;
    this.provider = provider;
  }

  static async open(): Promise<SignOnWorld> {
    const app = await startManagementApp(false, ['127.0.0.1']);
    return new SignOnWorld(app, await startIdentityProvider(`${app.url}/console/signed-on`));
  }

  async close(): Promise<void> {
    await this.provider.close();
    await this.app.close();
  }

  /** From a network of its own. */
  newBrowser(): Browser {
    this.#networks += 1;
    return new Browser(this.app, `198.18.${8 + Math.floor(this.#networks / 250)}.${(this.#networks % 250) + 1}`);
  }

  enterprise(jitRole: 'developer' | 'viewer' | null = null): Promise<Enterprise> {
    return enterpriseWith(this.app, this.provider, jitRole);
  }

  /** Of its domain. */
  somebodyAt({ domain }: Pick<Enterprise, 'domain'>, about: Partial<SomebodyThere> = {}): Known {
    const number = randomUUID();
    const email = `${number}@${domain}`;
    this.provider.people.set(number, { email, emailVerified: true, name: 'Ada Lovelace', ...about });
    return { number, email };
  }

  /** Where he is sent. */
  async begin(browser: Browser, email: string): Promise<string> {
    return done(await browser.post('/sign-ins/single-sign-on', { email })).string('url');
  }

  finish(browser: Browser, given: object): Promise<Answered> {
    const spoken = { locale: 'zh', timeZone: 'Asia/Shanghai' };
    return browser.post('/sign-ins/single-sign-on/finish', { ...given, ...spoken });
  }

  async comeIn(browser: Browser, { number, email }: Known): Promise<Answered> {
    return this.finish(browser, await signInThere(await this.begin(browser, email), number));
  }

  /** Who came in as a newcomer, and has no password. */
  async newcomer(enterprise: Enterprise): Promise<{ readonly browser: Browser; readonly personId: string } & Known> {
    const known = this.somebodyAt(enterprise);
    const browser = this.newBrowser();
    done(await this.comeIn(browser, known));
    return { browser, personId: done(await browser.get('/me')).string('id'), ...known };
  }

  async identitiesOf(email: string): Promise<number> {
    const { rowCount } = await this.app.db.query(
      'select from identities i join persons p on p.id = i.person_id where p.email = $1',
      [email],
    );
    return rowCount ?? 0;
  }
}

export const refusal = ({ status, body }: Answered) => [status, Object(body).code];
