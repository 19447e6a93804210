// Every mail that the product sends, in one closed list: to whom it goes, and the facts that its words are made of. What a caller may
// leave out is null and said so; a mail never guesses.
import { z } from 'zod';
import { MEMBER_ROLES } from '../../../domain/authorization.ts';
import type { Audience } from './audience.ts';
import {
  agreed,
  ahead,
  amount,
  application,
  awaitedKey,
  cents,
  credential,
  DECLINES,
  demand,
  lastFour,
  moment,
  month,
  type purchase,
  terms,
  unpaid,
} from './fact-fields.ts';

export const LOCALES = ['en', 'zh'] as const;
export type Locale = (typeof LOCALES)[number];

export const MAILS = {
  verification: {
    to: 'person',
    facts: z.strictObject({ personId: z.uuid(), verificationId: z.uuid(), validUntil: moment }),
  },

  sign_up_code: {
    to: 'address',
    facts: z.strictObject({ email: z.string(), locale: z.enum(LOCALES), signUpId: z.uuid(), validUntil: moment }),
  },
  invitation: {
    to: 'invited',
    facts: z.strictObject({
      email: z.string(),
      locale: z.enum(LOCALES),
      invitationId: z.uuid(),
      orgName: z.string(),
      // Null: the operator.
      inviterName: z.string().nullable(),
      role: z.enum(MEMBER_ROLES),
      validUntil: moment,
    }),
  },

  password_reset: {
    to: 'person',
    facts: z.strictObject({ personId: z.uuid(), resetId: z.uuid(), validUntil: moment }),
  },
  password_changed: { to: 'person', facts: z.strictObject({ personId: z.uuid(), changedAt: moment }) },
  second_factor: {
    to: 'person',
    facts: z.strictObject({
      personId: z.uuid(),
      change: z.enum(['enrolled', 'removed', 'recovery_code_used']),
      changedAt: moment,
      recoveryCodesLeft: z.int().nonnegative(),
    }),
  },
  passkey: {
    to: 'person',
    facts: z.strictObject({
      personId: z.uuid(),
      change: z.enum(['added', 'removed', 'copied']),
      name: z.string(),
      changedAt: moment,
    }),
  },
  identity: {
    to: 'person',
    facts: z.strictObject({
      personId: z.uuid(),
      change: z.enum(['connected', 'disconnected']),
      orgName: z.string(),
      changedAt: moment,
    }),
  },
  identity_link: {
    to: 'person',
    facts: z.strictObject({ personId: z.uuid(), linkId: z.uuid(), orgName: z.string(), validUntil: moment }),
  },
  single_sign_on: {
    to: 'owners',
    facts: z.strictObject({
      change: z.enum(['changed', 'removed', 'enforced', 'freed']),
      /** Of the provider; an address of its own would be a link in many mailboxes. Null: there is none any more. */
      host: z.string().nullable(),
      changedAt: moment,
    }),
  },
  mail_change_code: {
    to: 'address',
    facts: z.strictObject({ email: z.string(), locale: z.enum(LOCALES), mailChangeId: z.uuid(), validUntil: moment }),
  },
  mail_changed: {
    to: 'address',
    facts: z.strictObject({
      /** The one before. */
      email: z.string(),
      locale: z.enum(LOCALES),
      mailChangeId: z.uuid(),
      changedAt: moment,
      backUntil: moment,
    }),
  },
  account_closed: {
    to: 'address',
    facts: z.strictObject({
      email: z.string(),
      locale: z.enum(LOCALES),
      closingId: z.uuid(),
      closedAt: moment,
      backUntil: moment,
    }),
  },
  known_address: { to: 'person', facts: z.strictObject({ personId: z.uuid() }) },
  new_sign_in: {
    to: 'person',
    facts: z.strictObject({ personId: z.uuid(), signedInAt: moment, clientAddress: z.string() }),
  },

  receipt: {
    to: 'billing',
    facts: z.strictObject({
      ...demand,
      paidAt: moment,
      cardLastFour: lastFour.nullable(),
      renewsAt: moment.nullable(),
    }),
  },
  refunded: { to: 'billing', facts: z.strictObject({ ...demand, refundedAt: moment }) },
  second_capture_refunded: { to: 'billing', facts: z.strictObject({ ...demand, refundedAt: moment }) },
  payment_declined: {
    to: 'billing',
    facts: z.strictObject({
      ...demand,
      decline: z.enum(DECLINES),
      suspicious: z.boolean(),
      nextAttemptAt: moment.nullable(),
      invoiceId: z.uuid(),
    }),
  },
  payment_needs_you: {
    to: 'billing',
    facts: z.strictObject({ ...demand, confirmUntil: moment.nullable(), invoiceId: z.uuid() }),
  },
  card_expiring: {
    to: 'billing',
    facts: z.strictObject({ cardLastFour: lastFour, expires: month, nextChargeAt: moment.nullable() }),
  },

  renewal_ahead: {
    to: 'billing',
    facts: z.strictObject({ ...ahead, terms, renewsAt: moment, cardLastFour: lastFour.nullable() }),
  },
  plan_changed: {
    to: 'billing',
    facts: z.strictObject({
      from: terms,
      to: terms,
      effectiveAt: moment,
      /** Null: nothing is charged now, the change waits for the end of the period. */
      charge: z.strictObject({ ...amount, creditedCents: cents }).nullable(),
      renewal: z.strictObject({ ...ahead, at: moment }).nullable(),
    }),
  },
  cancelled: { to: 'billing', facts: z.strictObject({ terms, endsAt: moment }) },
  paused: { to: 'billing', facts: z.strictObject({ terms, pausesAt: moment }) },
  plan_ended: {
    to: 'billing',
    facts: z.strictObject({ terms, endedAt: moment, why: z.enum(['unpaid', 'cancelled']) }),
  },

  remind: {
    to: 'billing',
    facts: z.strictObject({
      ...unpaid,
      which: z.enum(['first', 'second', 'third']),
      isOverdue: z.boolean(),
      /** When access is limited at the earliest. */
      limitedAt: moment.nullable(),
    }),
  },
  limit_warning: { to: 'billing', facts: z.strictObject({ ...unpaid, limitedAt: moment }) },
  limited: {
    to: 'billing',
    facts: z.strictObject({
      ...unpaid,
      limitedAt: moment,
      /** Null: nothing more happens by itself. */
      planEndsAt: moment.nullable(),
    }),
  },
  last_warning: { to: 'billing', facts: z.strictObject({ ...unpaid, ending: z.enum(['plan', 'access']), at: moment }) },
  stopped: { to: 'billing', facts: z.strictObject({ ...unpaid, stoppedAt: moment }) },
  restored: { to: 'billing', facts: z.strictObject({ from: z.enum(['limited', 'stopped']), restoredAt: moment }) },
  stop_decision: {
    to: 'staff',
    facts: z.strictObject({
      ...demand,
      dueAt: moment,
      urgency: z.enum(['due', 'late', 'very_late']),
      /** Where the decision is given. */
      workflowId: z.string(),
    }),
  },

  balance_low: {
    to: 'billing',
    facts: z.strictObject({
      percent: z.union([z.literal(50), z.literal(20), z.literal(10), z.literal(5), z.literal(0)]),
      /** What is left, and what the share is of: both rounded down, never below 0. */
      balanceCents: cents,
      basisCents: cents,
      currency: amount.currency,
      isTopUpOn: z.boolean(),
    }),
  },
  top_up_done: { to: 'billing', facts: z.strictObject({ ...amount, paidAt: moment, balanceCents: cents }) },
  top_up_declined: {
    to: 'billing',
    facts: z.strictObject({
      ...amount,
      suspicious: z.boolean(),
      /** Null: it was the last one in a row. */
      notBefore: moment.nullable(),
    }),
  },
  top_up_off: { to: 'billing', facts: z.strictObject({ why: z.enum(['declines', 'asked']) }) },

  old_credential_ends: {
    to: 'holder',
    facts: z.strictObject({
      ...credential,
      endsAt: moment,
      usedAt: moment,
      /** An address of the network; null: nobody could say. */
      usedFrom: z.string().nullable(),
    }),
  },
  credential_leaked: {
    to: 'holder_and_owners',
    facts: z.strictObject({
      ...credential,
      /** Of no key that has another credential by now: that one alone has ended. */
      isFrozen: z.boolean(),
      /** Where; null: nobody said. */
      seenAt: z.string().nullable(),
      reportedAt: moment,
    }),
  },

  channel_key_awaited: { to: 'staff', facts: z.strictObject(awaitedKey) },

  application_received: { to: 'owners', facts: z.strictObject(application) },
  application_question: {
    to: 'owners',
    facts: z.strictObject({ ...application, question: z.string(), answerBy: moment, isReminder: z.boolean() }),
  },
  application_message: { to: 'owners', facts: z.strictObject({ ...application, message: z.string() }) },
  application_waits: {
    to: 'duty',
    facts: z.strictObject({
      ...application,
      duty: z.enum(['business', 'head']),
      businessDays: z.int().positive(),
      level: z.int().positive(),
    }),
  },
  application_rejected: { to: 'owners', facts: z.strictObject({ ...application, reason: z.string() }) },
  application_expired: { to: 'owners', facts: z.strictObject(application) },
  enterprise_welcome: {
    to: 'owners',
    facts: z.strictObject({ ...application, agreed, welcomeId: z.uuid(), validUntil: moment }),
  },
} as const satisfies Readonly<Record<string, { readonly to: Audience; readonly facts: z.ZodType }>>;

export type MailKind = keyof typeof MAILS;
export type FactsOf<K extends MailKind> = z.infer<(typeof MAILS)[K]['facts']>;
export type Terms = z.infer<typeof terms>;
export type Purchase = z.infer<typeof purchase>;

/** About what we run, which is no organization's. */
export type OwnMail = 'channel_key_awaited';

/** About a person, wherever he belongs. */
export type PersonalMail = {
  [K in MailKind]: (typeof MAILS)[K]['to'] extends 'person' | 'address' ? K : never;
}[MailKind];
