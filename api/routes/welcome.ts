// A new enterprise makes its first API key by the link that its owners were sent: no sign-in, and nothing that another site could borrow.
import { z } from 'zod';
import { TollgateError } from '../../domain/errors.ts';
import { useWelcome, welcomeState } from '../../services/onboarding/welcome.ts';
import { inTransaction } from '../../services/platform/postgres.ts';
import { COPIES, headersOf, SENT_ONCE } from '../pages/page-frame.ts';
import { languageOf } from '../pages/pay-words.ts';
import { firstKeyPage, welcomePage } from '../pages/welcome-page.ts';
import type { AppDependencies } from './app-dependencies.ts';
import { firstChatModel } from './model-lists.ts';
import { page } from './open-route.ts';
import type { Route } from './route.ts';

const byToken = z.object({ token: z.string() });
const ACTOR = 'welcome_page';

export const welcomeRoutes: readonly Route[] = [
  page({
    method: 'get',
    path: '/welcome/{token}',
    summary: 'For whoever has the link: make the first API key of an enterprise',
    params: byToken,
    handler: async ({ params, headers }, app) => {
      const state = (await welcomeState(app.db, idOf(params.token, app))) ?? 'over';
      const text = welcomePage(state, languageOf(headers['accept-language']));
      return { status: state === 'over' ? 410 : 200, headers: headersOf(SENT_ONCE), text };
    },
  }),
  page({
    method: 'post',
    path: '/welcome/{token}',
    summary: 'For whoever has the link: the first API key, shown once',
    params: byToken,
    handler: async ({ params, headers, requestId, clientAddress }, app) => {
      const id = idOf(params.token, app);
      const author = { actor: ACTOR, requestId, clientAddress };
      const credential = await inTransaction(app.db, (tx) => useWelcome(tx, id, author));
      if (credential === null) return { status: 303, headers: { location: `/welcome/${params.token}` }, text: '' };
      const made = { credential, publicUrl: app.welcomeLinks.publicUrl, modelId: firstChatModel(app) };
      const text = firstKeyPage(made, languageOf(headers['accept-language']));
      return { status: 200, headers: { ...headersOf(COPIES), 'cache-control': 'no-store' }, text };
    },
  }),
];

/** @throws TollgateError not_found */
function idOf(linkToken: string, { welcomeLinks }: AppDependencies): string {
  const id = welcomeLinks.welcomeOf(linkToken);
  if (id !== null) return id;
  throw new TollgateError('not_found', { message: 'This link welcomes nobody.' });
}
