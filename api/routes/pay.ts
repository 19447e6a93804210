// The page on which whoever has its link pays an invoice. The link is all the authority there is: no cookie, no sign-in, so nothing that
// another site could borrow (D61). What is done is written down by the payment itself, and who pressed in the audit log.
import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import type { DeclineClass } from '../../domain/declines.ts';
import { TollgateError } from '../../domain/errors.ts';
import { type Invoice, invoice } from '../../services/invoices/invoices.ts';
import { openCardSetup, openSetupOf } from '../../services/payments/card-setups.ts';
import { listCards, type OnCard } from '../../services/payments/cards.ts';
import type { ChargePlace } from '../../services/payments/charges.ts';
import { followCheckout } from '../../services/payments/checkout-sessions.ts';
import { type LastAnswer, lastAnswerOf, lookAtPayment, payOnSession } from '../../services/payments/own-payments.ts';
import { inTransaction } from '../../services/platform/postgres.ts';
import { cardChanged } from '../../services/subscriptions/learn.ts';
import { pageHeaders } from '../pages/page-frame.ts';
import { cardName, type PayState, type PayView, payPage } from '../pages/pay-page.ts';
import { languageOf, type Refused } from '../pages/pay-words.ts';
import type { AppDependencies } from './app-dependencies.ts';
import { page } from './open-route.ts';
import { deskOf } from './payment-desk.ts';
import type { Reply } from './reply.ts';
import type { Route } from './route.ts';

const byToken = z.object({ token: z.string() });
const Uuid = z.uuid();
const ACTOR = 'pay_page';
const CARDS_SHOWN = 20;

export const payRoutes: readonly Route[] = [
  page({
    method: 'get',
    path: '/pay/{token}',
    summary: 'For whoever has the link: the invoice, and how to pay it',
    params: byToken,
    handler: async ({ params, query, headers }, app) => {
      const bill = await billOf(params.token, app);
      // Back from a bank, with what Stripe wrote behind the link: that is for nobody's history.
      if (Object.keys(query).length > 0) return seeOther(`/pay/${params.token}`);
      return shown(app, bill, headers, { state: await stateOf(bill, app), isProviderAway: false });
    },
  }),
  page({
    method: 'post',
    path: '/pay/{token}',
    summary: 'For whoever has the link: pay with a card on file, or leave another one',
    params: byToken,
    handler: async ({ params, form, headers, requestId, clientAddress }, app) => {
      const bill = await billOf(params.token, app);
      const back = seeOther(`/pay/${params.token}`);
      if (bill.state !== 'open') return back;
      const returnUrl = app.links.urlOf(bill.id);
      if (form.has('another')) {
        const { url } = await openCardSetup({ db: app.db, stripe: deskOf(app).stripe }, bill.orgId, returnUrl);
        return seeOther(url);
      }
      const card = Uuid.safeParse(form.get('paymentMethod'));
      if (!card.success) return back;
      const author = { actor: ACTOR, requestId, clientAddress };
      const outcome = await payOnSession(placeOf(app), bill.id, { cardId: card.data, returnUrl, author });
      if (outcome.kind === 'at_bank') return seeOther(outcome.bankPage);
      if (outcome.kind !== 'unknown') return back;
      const state = await stateOf(bill, app);
      return state.is === 'open' ? shown(app, bill, headers, { state, isProviderAway: true }) : back;
    },
  }),
];

/** @throws TollgateError not_found */
async function billOf(payToken: string, app: AppDependencies): Promise<Invoice> {
  const invoiceId = app.links.invoiceOf(payToken);
  const bill = invoiceId === null ? null : await invoice(app.db, invoiceId);
  if (bill !== null && (bill.isPayable || bill.state !== 'open')) return bill;
  throw new TollgateError('not_found', { message: 'This link leads to no invoice that could be paid.' });
}

function placeOf(app: AppDependencies): ChargePlace {
  return { db: app.db, stripe: deskOf(app).stripe };
}

async function stateOf({ id, orgId, state }: Invoice, app: AppDependencies): Promise<PayState> {
  if (state !== 'open') return { is: state };
  await takeNewCard(id, orgId, app);
  const outcome = await lookAtPayment(placeOf(app), id);
  if (outcome?.kind === 'paid') return { is: 'paid' };
  if (outcome?.kind === 'unknown') return { is: 'confirming' };
  const bankPage = outcome?.kind === 'at_bank' ? outcome.bankPage : null;
  const cards = await listCards(app.db, orgId, null, CARDS_SHOWN);
  return { is: bankPage === null ? 'open' : 'at_bank', cards, bankPage };
}

/** Whoever comes back from leaving a card may be faster than Stripe's word of it; without that word the event brings the card. */
async function takeNewCard(invoiceId: string, orgId: string, app: AppDependencies): Promise<void> {
  const { stripe } = deskOf(app);
  const { db, links } = app;
  const session = await openSetupOf(db, orgId, links.urlOf(invoiceId));
  if (session === null) return;
  const onCard: OnCard = (tx, org, card) => cardChanged(tx, org, card, ACTOR);
  await inTransaction(db, (tx) => followCheckout(tx, stripe, session, ACTOR, onCard)).catch((error: unknown) => {
    if (!(error instanceof TollgateError)) throw error;
    app.log.warn({ err: error }, 'pay_page_card_waiting');
  });
}

/** Its form may lead on to Stripe's page for a card, or to that of a bank, which only they know. */
async function shown(
  app: AppDependencies,
  bill: Invoice,
  headers: IncomingHttpHeaders,
  view: Pick<PayView, 'state' | 'isProviderAway'>,
): Promise<Reply> {
  const answer = view.state.is === 'open' ? await lastAnswerOf(app.db, bill.id) : null;
  const refusal =
    answer === null ? null : { why: refusedBy(answer), card: answer.card === null ? null : cardName(answer.card) };
  return {
    status: view.isProviderAway ? 503 : 200,
    headers: pageHeaders(deskOf(app).publicUrl.startsWith('https:') ? 'https:' : 'http: https:'),
    text: payPage({ ...view, bill, refusal }, languageOf(headers['accept-language'])),
  };
}

const BY_CLASS: { readonly [C in DeclineClass]: Refused } = {
  never: 'other_card',
  needs_customer: 'check_card',
  authenticate: 'not_confirmed',
  later: 'declined',
  duplicate: 'unknown',
};

/** Of a card that was reported lost or stolen its holder learns no more than of any other that will not do. */
function refusedBy({ outcome, declineClass, declineCode }: LastAnswer): Refused {
  if (declineCode === 'card_tried_too_often') return 'too_often';
  if (declineCode === 'no_card') return 'not_asked';
  if (declineClass !== null) return BY_CLASS[declineClass];
  return outcome === 'fault' ? 'not_asked' : 'unknown';
}

function seeOther(location: string): Reply {
  return { status: 303, headers: { location }, text: '' };
}
