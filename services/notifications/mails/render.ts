// From a kind and its facts to a mail in one language. Pure: the same row always makes the same mail, whoever sends it and whenever.

import {
  knownAddress,
  newSignIn,
  passkey,
  passwordChanged,
  passwordReset,
  secondFactor,
  signUpCode,
} from './account-mails.ts';
import { accountClosed, mailChangeCode, mailChanged } from './address-mails.ts';
import { credentialLeaked, oldCredentialEnds } from './api-key-mails.ts';
import {
  applicationExpired,
  applicationMessage,
  applicationQuestion,
  applicationReceived,
  applicationRejected,
  applicationWaits,
  enterpriseWelcome,
} from './application-mails.ts';
import { balanceLow, topUpDeclined, topUpDone, topUpOff } from './balance-mails.ts';
import { channelKeyAwaited } from './channel-key-mails.ts';
import type { MailContent, MailContext, MailTemplate } from './content.ts';
import { identity, identityLink, singleSignOn } from './identity-mails.ts';
import { invitation } from './invitation-mail.ts';
import { type FactsOf, type Locale, MAILS, type MailKind } from './kinds.ts';
import { htmlOf, textOf } from './layout.ts';
import { lastWarning, limited, limitWarning, remind, restored, stopDecision, stopped } from './overdue-mails.ts';
import {
  cardExpiring,
  paymentDeclined,
  paymentNeedsYou,
  receipt,
  refunded,
  secondCaptureRefunded,
} from './payment-mails.ts';
import { PHRASES } from './phrases.ts';
import { cancelled, paused, planChanged, planEnded, renewalAhead } from './plan-mails.ts';
import { verification } from './verification-mail.ts';

export interface RenderedMail {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

const TEMPLATES: { readonly [K in MailKind]: MailTemplate<K> } = {
  verification,
  sign_up_code: signUpCode,
  invitation,
  password_reset: passwordReset,
  password_changed: passwordChanged,
  second_factor: secondFactor,
  passkey,
  identity,
  identity_link: identityLink,
  single_sign_on: singleSignOn,
  mail_change_code: mailChangeCode,
  mail_changed: mailChanged,
  account_closed: accountClosed,
  known_address: knownAddress,
  new_sign_in: newSignIn,
  receipt,
  refunded,
  second_capture_refunded: secondCaptureRefunded,
  payment_declined: paymentDeclined,
  payment_needs_you: paymentNeedsYou,
  card_expiring: cardExpiring,
  renewal_ahead: renewalAhead,
  plan_changed: planChanged,
  cancelled,
  paused,
  plan_ended: planEnded,
  remind,
  limit_warning: limitWarning,
  limited,
  last_warning: lastWarning,
  stopped,
  restored,
  stop_decision: stopDecision,
  channel_key_awaited: channelKeyAwaited,
  balance_low: balanceLow,
  top_up_done: topUpDone,
  top_up_declined: topUpDeclined,
  top_up_off: topUpOff,
  old_credential_ends: oldCredentialEnds,
  credential_leaked: credentialLeaked,
  application_received: applicationReceived,
  application_question: applicationQuestion,
  application_message: applicationMessage,
  application_waits: applicationWaits,
  application_rejected: applicationRejected,
  application_expired: applicationExpired,
  enterprise_welcome: enterpriseWelcome,
};

/**
 * Facts as they were stored, perhaps by another release.
 * @throws ZodError when they are not those of this kind: half a mail is not sent.
 */
export function renderMail<K extends MailKind>(
  kind: K,
  facts: unknown,
  locale: Locale,
  context: MailContext,
): RenderedMail {
  const known = MAILS[kind].facts.parse(facts) as FactsOf<K>;
  const content: MailContent = TEMPLATES[kind][locale](known, PHRASES[locale], context);
  return {
    subject: content.subject,
    text: textOf(content, locale, context.organization),
    html: htmlOf(content, locale, context.organization),
  };
}
