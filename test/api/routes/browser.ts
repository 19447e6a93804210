// A browser on our own pages: it keeps the cookies that it is given, and says from which page it sends.
import { randomUUID } from 'node:crypto';
import { type Answered, done, type ManagementApp } from './management-app.ts';

export const PASSWORD = 'a password of the tests';

/** As a browser keeps it: a cookie without an age is gone. */
export function cookiesAfter(answer: Answered, before = ''): string {
  const kept = new Map(before.split('; ').flatMap((pair) => (pair === '' ? [] : [nameAndValue(pair)])));
  for (const cookie of answer.headers.getSetCookie()) {
    const [name, value] = nameAndValue(cookie.split(';')[0] ?? '');
    if (/max-age=0/i.test(cookie)) kept.delete(name);
    else kept.set(name, value);
  }
  return [...kept].map(([name, value]) => `${name}=${value}`).join('; ');
}

function nameAndValue(pair: string): [name: string, value: string] {
  const at = pair.indexOf('=');
  return [pair.slice(0, at), pair.slice(at + 1)];
}

export class Browser {
  readonly #app: ManagementApp;
  readonly #address: string;
  cookies = '';

  constructor(app: ManagementApp, address = '198.51.100.1') {
    this.#app = app;
    this.#address = address;
  }

  get(path: string): Promise<Answered> {
    return this.send('get', path);
  }

  post(path: string, body: object = {}): Promise<Answered> {
    return this.send('post', path, body);
  }

  async send(
    method: string,
    path: string,
    body?: object,
    headers: Readonly<Record<string, string>> = { origin: this.#app.url },
  ): Promise<Answered> {
    const answer = await this.#app.call(method, `/api/v1${path}`, {
      credential: null,
      headers: { cookie: this.cookies, 'x-forwarded-for': this.#address, ...headers },
      ...(body === undefined ? {} : { body }),
    });
    this.cookies = cookiesAfter(answer, this.cookies);
    return answer;
  }

  /** Signed in afterwards. */
  async signUp(email = `${randomUUID()}@example.com`): Promise<{ readonly email: string; readonly personId: string }> {
    done(await this.post('/sign-ups', { email, password: PASSWORD, name: 'Ada', locale: 'en' }));
    const code = await codeSentTo(this.#app, email);
    const confirmed = done(await this.post('/sign-ups/confirm', { email, code }));
    return { email, personId: confirmed.string('id') };
  }

  signIn(email: string, password = PASSWORD): Promise<Answered> {
    return this.post('/sign-ins', { email, password });
  }
}

/** As the last mail to it says. */
export async function codeSentTo({ db, accounts }: ManagementApp, email: string): Promise<string> {
  const { rows } = await db.query<{ id: string }>(
    `select facts ->> 'signUpId' as id from notifications where kind = 'sign_up_code' and recipient = $1 order by queued_at desc limit 1`,
    [email],
  );
  return rows[0] === undefined ? 'no code' : accounts.signUps.codeOf(rows[0].id);
}

/** Oldest first. */
export async function mailsTo({ db }: ManagementApp, email: string): Promise<string[]> {
  const { rows } = await db.query<{ kind: string }>(
    'select kind from notifications where recipient = $1 order by queued_at, id',
    [email],
  );
  return rows.map(({ kind }) => kind);
}

/** As the last mail to it says. */
export async function changeCodeSentTo({ db, accounts }: ManagementApp, email: string): Promise<string> {
  const id = await lastId(db, 'mail_change_code', email);
  return id === null ? 'no code' : accounts.mailChanges.codeOf(id);
}

/** As the last mail to it says. */
export async function wayBackSentTo({ db, accounts }: ManagementApp, email: string): Promise<string> {
  const id = await lastId(db, 'mail_changed', email);
  return id === null ? 'no link' : accounts.mailChanges.linkTokenOf(id);
}

/** As the last mail to it says. */
export async function reopeningSentTo({ db, accounts }: ManagementApp, email: string): Promise<string> {
  const id = await lastId(db, 'account_closed', email);
  return id === null ? 'no link' : accounts.closings.linkTokenOf(id);
}

async function lastId(db: ManagementApp['db'], kind: string, email: string): Promise<string | null> {
  const { rows } = await db.query<{ id: string }>(
    `select coalesce(facts ->> 'mailChangeId', facts ->> 'closingId') as id from notifications
      where kind = $1 and recipient = $2 order by queued_at desc limit 1`,
    [kind, email],
  );
  return rows[0]?.id ?? null;
}

/** As the last mail to it says. */
export async function resetSentTo({ db, accounts }: ManagementApp, email: string): Promise<string> {
  const { rows } = await db.query<{ id: string }>(
    `select facts ->> 'resetId' as id from notifications where kind = 'password_reset' and recipient = $1 order by queued_at desc limit 1`,
    [email],
  );
  return rows[0] === undefined ? 'no link' : accounts.resets.linkTokenOf(rows[0].id);
}
