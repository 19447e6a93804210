// Somebody signs up, in, and out again, by every route that changes an account once.
import { codeSentTo, cookiesAfter, PASSWORD } from './browser.ts';
import type { ManagementApp } from './management-app.ts';
import type { TakeStep } from './take-step.ts';

export async function oneAccount(app: ManagementApp, step: TakeStep): Promise<{ readonly accountSecrets: string[] }> {
  const email = 'grace@example.com';
  const wanted = { email, password: PASSWORD, name: 'Grace', locale: 'en' };
  const cookiesSent: string[] = [];
  let cookie = '';
  const click = async (method: 'post' | 'patch', path: string, body: object) => {
    const answer = await step(method, path, {}, body, { cookie, origin: app.url });
    cookie = cookiesAfter(answer, cookie);
    cookiesSent.push(cookie);
    return answer;
  };

  await click('post', '/sign-ups', wanted);
  const code = await codeSentTo(app, email);
  await click('post', '/sign-ups/confirm', { email, code });
  await click('patch', '/me', { name: 'Grace H.' });
  await click('post', '/sign-outs', {});
  await click('post', '/sign-ins', { email, password: PASSWORD });
  const values = cookiesSent.flatMap((sent) => sent.split('; ')).map((pair) => pair.split('=')[1] ?? '');
  return { accountSecrets: [PASSWORD, ...values.filter((value) => value !== '')] };
}
