// Facts for every mail of the closed list, and for each of its wordings: a kind without a sample does not compile.
import type { FactsOf, MailKind } from '../../../services/notifications/mails/kinds.ts';

const PRO = { plan: 'pro', months: 1 } as const;
const TEAM_YEARLY = { plan: 'team', months: 12 } as const;
const INVOICE_ID = '0193f000-0000-7000-8000-000000000077';

const renewal = {
  amountCents: 1_900,
  currency: 'usd',
  purchase: { kind: 'plan', terms: PRO, from: '2026-12-01T10:00:00.000Z', to: '2027-01-01T10:00:00.000Z' },
  invoice: 'TG-2026-0007',
} as const;
const usage = {
  amountCents: 600_012,
  currency: 'usd',
  purchase: { kind: 'usage', from: '2026-11-01T00:00:00.000Z', to: '2026-12-01T00:00:00.000Z' },
  invoice: 'TG-2026-0008',
} as const;
const pack = {
  amountCents: 5_000,
  currency: 'usd',
  purchase: { kind: 'pack', creditCents: 5_000, bonusCents: 500, bonusUntil: '2027-12-03T08:00:00.000Z' },
  invoice: null,
} as const;
const plainPack = {
  ...pack,
  amountCents: 1_000,
  purchase: { kind: 'pack', creditCents: 1_000, bonusCents: 0, bonusUntil: null },
} as const;
const topUp = { ...pack, amountCents: 2_500, purchase: { kind: 'top_up', creditCents: 2_500 } } as const;
const unpaidRenewal = { ...renewal, dueAt: '2026-12-01T10:00:00.000Z', invoiceId: INVOICE_ID } as const;
const application = { applicationId: '0193f000-0000-7000-8000-0000000000e1', company: 'Initech' } as const;
const welcome = {
  welcomeId: '0193f000-0000-7000-8000-0000000000e2',
  validUntil: '2027-01-27T00:00:00.000Z',
} as const;
const unpaidUsage = { ...usage, dueAt: '2026-12-31T00:00:00.000Z', invoiceId: INVOICE_ID } as const;

export const SAMPLES: { readonly [K in MailKind]: readonly FactsOf<K>[] } = {
  verification: [
    {
      personId: '0193f000-0000-7000-8000-000000000001',
      verificationId: '0193f000-0000-7000-8000-00000000000b',
      validUntil: '2026-12-02T10:00:00.000Z',
    },
  ],
  mail_change_code: [
    {
      email: 'ada@example.com',
      locale: 'zh',
      mailChangeId: '0193f000-0000-7000-8000-00000000000f',
      validUntil: '2026-12-02T10:15:00.000Z',
    },
  ],
  mail_changed: [
    {
      email: 'ada@example.com',
      locale: 'en',
      mailChangeId: '0193f000-0000-7000-8000-00000000000f',
      changedAt: '2026-12-02T10:15:00.000Z',
      backUntil: '2026-12-09T10:15:00.000Z',
    },
  ],
  account_closed: [
    {
      email: 'ada@example.com',
      locale: 'en',
      closingId: '0193f000-0000-7000-8000-00000000001a',
      closedAt: '2026-12-02T10:15:00.000Z',
      backUntil: '2027-01-01T10:15:00.000Z',
    },
  ],
  sign_up_code: [
    {
      email: 'ada@example.com',
      locale: 'zh',
      signUpId: '0193f000-0000-7000-8000-00000000000c',
      validUntil: '2026-12-02T10:15:00.000Z',
    },
  ],
  invitation: [
    {
      email: 'ada@example.com',
      locale: 'en',
      invitationId: '0193f000-0000-7000-8000-00000000000d',
      orgName: 'Acme',
      inviterName: 'Grace',
      role: 'developer',
      validUntil: '2026-12-09T10:00:00.000Z',
    },
    {
      email: 'ada@example.com',
      locale: 'zh',
      invitationId: '0193f000-0000-7000-8000-00000000000d',
      orgName: 'Acme',
      inviterName: null,
      role: 'owner',
      validUntil: '2026-12-09T10:00:00.000Z',
    },
  ],
  password_reset: [
    {
      personId: '0193f000-0000-7000-8000-000000000001',
      resetId: '0193f000-0000-7000-8000-00000000000d',
      validUntil: '2026-12-02T10:10:00.000Z',
    },
  ],
  password_changed: [{ personId: '0193f000-0000-7000-8000-000000000001', changedAt: '2026-12-02T10:00:00.000Z' }],
  passkey: (['added', 'removed', 'copied'] as const).map((change) => ({
    personId: '0193f000-0000-7000-8000-000000000001',
    change,
    name: 'Ada’s laptop',
    changedAt: '2026-12-02T10:00:00.000Z',
  })),
  identity: (['connected', 'disconnected'] as const).map((change) => ({
    personId: '0193f000-0000-7000-8000-000000000001',
    ...{ change, orgName: 'Acme', changedAt: '2026-12-02T10:00:00.000Z' },
  })),
  identity_link: [
    {
      personId: '0193f000-0000-7000-8000-000000000001',
      linkId: '0193f000-0000-7000-8000-00000000001b',
      ...{ orgName: 'Acme', validUntil: '2026-12-02T10:10:00.000Z' },
    },
  ],
  single_sign_on: (['changed', 'removed', 'enforced', 'freed'] as const).map((change) => ({
    ...{ change, changedAt: '2026-12-02T10:00:00.000Z' },
    host: change === 'removed' ? null : 'login.acme.example',
  })),
  old_credential_ends: ['198.51.100.7', null].map((usedFrom) => ({
    ...{ holderId: null, apiKeyName: 'production', shape: 'sk-tg-Ab12…9xYz', usedFrom },
    ...{ endsAt: '2026-12-09T10:00:00.000Z', usedAt: '2026-12-08T09:00:00.000Z' },
  })),
  credential_leaked: [true, false].flatMap((isFrozen) =>
    ['https://github.com/acme/shop/blob/main/.env', null].map((seenAt) => ({
      ...{ holderId: null, apiKeyName: 'production', shape: 'sk-tg-Ab12…9xYz', isFrozen, seenAt },
      reportedAt: '2026-12-08T09:00:00.000Z',
    })),
  ),
  second_factor: (['enrolled', 'removed', 'recovery_code_used'] as const).map((change) => ({
    personId: '0193f000-0000-7000-8000-000000000001',
    ...{ change, changedAt: '2026-12-02T10:00:00.000Z', recoveryCodesLeft: 9 },
  })),
  known_address: [{ personId: '0193f000-0000-7000-8000-000000000001' }],
  new_sign_in: [
    {
      personId: '0193f000-0000-7000-8000-000000000001',
      signedInAt: '2026-12-02T10:00:00.000Z',
      clientAddress: '203.0.113.9',
    },
  ],
  receipt: [
    { ...renewal, paidAt: '2026-12-01T10:00:04.000Z', cardLastFour: '4242', renewsAt: '2027-01-01T10:00:00.000Z' },
    { ...pack, paidAt: '2026-12-03T08:00:00.000Z', cardLastFour: null, renewsAt: null },
    { ...plainPack, paidAt: '2026-12-03T08:00:00.000Z', cardLastFour: null, renewsAt: null },
    { ...topUp, paidAt: '2026-12-03T08:00:00.000Z', cardLastFour: '4242', renewsAt: null },
    { ...usage, paidAt: '2027-01-03T08:00:00.000Z', cardLastFour: null, renewsAt: null },
  ],
  refunded: [{ ...pack, purchase: { ...pack.purchase, bonusUntil: null }, refundedAt: '2026-12-05T09:30:00.000Z' }],
  second_capture_refunded: [{ ...renewal, refundedAt: '2026-12-05T09:30:00.000Z' }],
  payment_declined: [
    {
      ...renewal,
      decline: 'later',
      suspicious: false,
      nextAttemptAt: '2026-12-02T10:00:00.000Z',
      invoiceId: INVOICE_ID,
    },
    { ...renewal, decline: 'needs_customer', suspicious: false, nextAttemptAt: null, invoiceId: INVOICE_ID },
    { ...renewal, decline: 'never', suspicious: false, nextAttemptAt: null, invoiceId: INVOICE_ID },
    { ...renewal, decline: 'never', suspicious: true, nextAttemptAt: null, invoiceId: INVOICE_ID },
  ],
  payment_needs_you: [
    { ...renewal, confirmUntil: '2026-12-02T09:00:00.000Z', invoiceId: INVOICE_ID },
    { ...renewal, confirmUntil: null, invoiceId: INVOICE_ID },
  ],
  card_expiring: [
    {
      cardLastFour: '4242',
      expires: '2026-12',
      nextChargeAt: '2027-01-01T10:00:00.000Z',
    },
    { cardLastFour: '4242', expires: '2026-12', nextChargeAt: null },
  ],
  renewal_ahead: [
    {
      amountCents: 99_000,
      currency: 'usd',
      plusTax: false,
      terms: TEAM_YEARLY,
      renewsAt: '2027-01-01T10:00:00.000Z',
      cardLastFour: '4242',
    },
    {
      amountCents: 99_000,
      currency: 'usd',
      plusTax: true,
      terms: TEAM_YEARLY,
      renewsAt: '2027-01-01T10:00:00.000Z',
      cardLastFour: null,
    },
  ],
  plan_changed: [
    {
      from: PRO,
      to: TEAM_YEARLY,
      effectiveAt: '2026-12-16T00:00:00.000Z',
      charge: { amountCents: 95_200, currency: 'usd', creditedCents: 380 },
      renewal: { amountCents: 99_000, currency: 'usd', plusTax: true, at: '2027-12-16T00:00:00.000Z' },
    },
    { from: TEAM_YEARLY, to: PRO, effectiveAt: '2027-01-01T10:00:00.000Z', charge: null, renewal: null },
  ],
  cancelled: [{ terms: PRO, endsAt: '2027-01-01T10:00:00.000Z' }],
  paused: [{ terms: PRO, pausesAt: '2027-01-01T10:00:00.000Z' }],
  plan_ended: [
    { terms: PRO, endedAt: '2026-12-15T10:00:00.000Z', why: 'unpaid' },
    { terms: PRO, endedAt: '2027-01-01T10:00:00.000Z', why: 'cancelled' },
  ],
  remind: [
    { ...unpaidRenewal, which: 'first', isOverdue: true, limitedAt: '2026-12-08T10:00:00.000Z' },
    { ...unpaidUsage, which: 'first', isOverdue: false, limitedAt: null },
    { ...unpaidUsage, which: 'second', isOverdue: true, limitedAt: '2027-01-15T00:00:00.000Z' },
    { ...unpaidUsage, which: 'third', isOverdue: true, limitedAt: '2027-01-15T00:00:00.000Z' },
  ],
  limit_warning: [{ ...unpaidRenewal, limitedAt: '2026-12-08T10:00:00.000Z' }],
  limited: [
    { ...unpaidRenewal, limitedAt: '2026-12-08T10:00:00.000Z', planEndsAt: '2026-12-15T10:00:00.000Z' },
    { ...unpaidUsage, limitedAt: '2027-01-15T00:00:00.000Z', planEndsAt: null },
  ],
  last_warning: [
    { ...unpaidRenewal, ending: 'plan', at: '2026-12-15T10:00:00.000Z' },
    { ...unpaidUsage, ending: 'access', at: '2027-01-30T00:00:00.000Z' },
  ],
  stopped: [{ ...unpaidUsage, stoppedAt: '2027-01-30T00:00:00.000Z' }],
  restored: [
    { from: 'limited', restoredAt: '2026-12-09T12:00:00.000Z' },
    { from: 'stopped', restoredAt: '2027-02-01T12:00:00.000Z' },
  ],
  stop_decision: [
    { ...usage, dueAt: '2026-12-31T00:00:00.000Z', urgency: 'due', workflowId: 'dunning:7' },
    { ...usage, dueAt: '2026-12-31T00:00:00.000Z', urgency: 'late', workflowId: 'dunning:7' },
    { ...usage, dueAt: '2026-12-31T00:00:00.000Z', urgency: 'very_late', workflowId: 'dunning:7' },
  ],
  channel_key_awaited: [
    {
      ...{ channelName: 'openai-eu', keyLastFour: '3f9a', awaitedSince: '2026-12-01T10:05:00.000Z' },
      workflowId: 'rotate:channel-key:7',
    },
  ],
  balance_low: [
    { percent: 50, balanceCents: 1_249, basisCents: 2_500, currency: 'usd', isTopUpOn: false },
    { percent: 20, balanceCents: 499, basisCents: 2_500, currency: 'usd', isTopUpOn: true },
    { percent: 10, balanceCents: 249, basisCents: 2_500, currency: 'usd', isTopUpOn: false },
    { percent: 5, balanceCents: 124, basisCents: 2_500, currency: 'usd', isTopUpOn: false },
    { percent: 0, balanceCents: 0, basisCents: 2_500, currency: 'usd', isTopUpOn: false },
  ],
  top_up_done: [{ amountCents: 2_500, currency: 'usd', paidAt: '2026-12-03T08:00:00.000Z', balanceCents: 2_999 }],
  top_up_declined: [
    { amountCents: 2_500, currency: 'usd', suspicious: false, notBefore: '2026-12-03T09:00:00.000Z' },
    { amountCents: 2_500, currency: 'usd', suspicious: true, notBefore: null },
  ],
  top_up_off: [{ why: 'declines' }, { why: 'asked' }],
  application_received: [application],
  application_question: [
    { ...application, question: 'VAT ID?', answerBy: '2027-01-20T00:00:00.000Z', isReminder: false },
    { ...application, question: 'VAT ID?', answerBy: '2027-01-20T00:00:00.000Z', isReminder: true },
  ],
  application_message: [{ ...application, message: 'VAT ID?' }],
  application_waits: [
    { ...application, duty: 'business', businessDays: 1, level: 1 },
    { ...application, duty: 'head', businessDays: 3, level: 2 },
  ],
  application_rejected: [{ ...application, reason: 'KYC' }],
  application_expired: [application],
  enterprise_welcome: [
    {
      ...{ ...application, ...welcome },
      agreed: {
        ...{ creditLineCents: 2_000_000, netDays: 45, priceOfListPpm: 842_106, monthlyBudgetCents: 900_000 },
        allowedAddresses: ['203.0.113.0/24'],
      },
    },
    {
      ...{ ...application, ...welcome },
      agreed: {
        ...{ creditLineCents: 0, netDays: 30, priceOfListPpm: 1_000_000, monthlyBudgetCents: null },
        allowedAddresses: [],
      },
    },
  ],
};
