// Applications of enterprises, as applicants and reviewers send and see them.
import { z } from 'zod';
import { ATTENTIONS, OBSTACLES, PROVISIONING_STEPS } from '../../domain/provisioning.ts';
import { BARS } from '../../services/onboarding/decisions.ts';
import { addressRange, instant, line, mailAddress, uuid, version } from './field-schemas.ts';

/** Several lines of text for people; PostgreSQL knows no U+0000. */
export const text = (longest: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(longest)
    .regex(/^[^\0]*$/, 'must hold no U+0000');

const cents = z.int().min(0).max(1_000_000_000);
const netDays = z.int().min(0).max(120);

/** Whatever is filled in so far. */
export const DraftForm = z
  .strictObject({
    company: line(200),
    domain: z.string().trim().max(253).regex(z.regexes.domain, 'write a domain as in "example.com"').toLowerCase(),
    useCase: text(5_000),
    monthlyVolumeCents: cents,
    wantedTerms: z.strictObject({
      creditLineCents: cents.meta({ description: '0: it would pay in advance' }),
      netDays,
      note: text(2_000).nullable().default(null),
    }),
    residency: z.enum(['any', 'cn', 'eu', 'us']),
    contacts: z
      .array(z.strictObject({ name: line(200), email: mailAddress }))
      .max(10)
      .readonly(),
  })
  .partial()
  .meta({ id: 'ApplicationForm' });

export const stage = z.enum([
  'draft',
  'in_review',
  'info_requested',
  'provisioning',
  'active',
  'rejected',
  'withdrawn',
  'expired',
]);

const status = {
  id: uuid,
  orgId: uuid,
  stage,
  revision: z.int().meta({ description: 'Counts what was submitted; 0: nothing yet' }),
  version,
  createdAt: instant,
  submittedAt: instant.nullable(),
};
const said = { side: z.enum(['applicant', 'staff']), body: z.string(), at: instant };

const Terms = z
  .strictObject({
    creditLineCents: cents.meta({ description: '0: it pays in advance' }),
    netDays,
    priceOfListPpm: z
      .int()
      .min(1)
      .max(1_000_000)
      .meta({ description: 'Of list price, in millionths: at most all of it' }),
    monthlyBudgetCents: cents.nullable(),
    allowedAddresses: z
      .array(addressRange)
      .max(50)
      .readonly()
      .meta({ description: 'From where its first API key may be used; none: from anywhere' }),
  })
  .meta({ id: 'EnterpriseTerms' });

export const Application = z
  .object({
    ...status,
    form: DraftForm.meta({ description: 'As it is written now' }),
    question: z.string().nullable().meta({ description: 'What we ask; the answer is to be submitted' }),
    answerBy: instant.nullable(),
    reason: z.string().nullable().meta({ description: 'Why it was rejected' }),
    terms: Terms.nullable(),
    thread: z.array(z.object(said)).readonly().meta({ description: 'What both sides wrote, with what we asked' }),
  })
  .meta({ id: 'Application' });

export const ListedApplication = z
  .object({ ...status, company: z.string(), level: z.int().nullable(), deadline: instant.nullable() })
  .meta({ id: 'ListedApplication' });

const kind = z.enum(['approve', 'ask', 'reject']);
const level = z.int().positive();
const revision = z.int().positive();

export const WantedDecision = z
  .strictObject({
    revision,
    level,
    kind,
    terms: Terms.nullable().default(null),
    reason: text(2_000)
      .nullable()
      .default(null)
      .meta({ description: 'What is asked, or why it is rejected: the applicant reads it' }),
  })
  .refine(({ kind: how, reason }) => how === 'approve' || reason !== null, {
    path: ['reason'],
    error: 'say what is asked, or why it is rejected',
  })
  .refine(({ kind: how, terms }) => how === 'approve' || terms === null, {
    path: ['terms'],
    error: 'only an approval has terms',
  });

export const Decision = z
  .object({
    id: uuid,
    applicationId: uuid,
    revision,
    level,
    kind,
    terms: Terms.nullable(),
    reason: z.string().nullable(),
    actor: z.string(),
    at: instant,
  })
  .meta({ id: 'ApplicationDecision' });

export const bar = z
  .enum(BARS)
  .nullable()
  .meta({ description: 'Why whoever asks may not decide on it, whatever his role' });

const mailHint = z.object({
  kind: z.enum(['free_mail', 'disposable_mail', 'mail_of_another_domain']),
  mailDomain: z.string(),
});
const earlierHint = z.object({
  kind: z.enum(['applied_before', 'same_company_elsewhere']),
  applicationId: uuid,
  stage: z.string(),
});
const creditHint = z.object({ kind: z.literal('credit_beyond_volume'), months: z.int() });
export const hints = z.array(z.union([mailHint, earlierHint, creditHint])).readonly();

const obstacle = {
  step: z.enum(PROVISIONING_STEPS),
  code: z.enum(OBSTACLES),
  detail: z.string().meta({ description: 'Which subscription or organization it is about; of a defect, what it says' }),
};
export const provisioningAttention = z
  .object({ kind: z.enum(ATTENTIONS), ...obstacle })
  .nullable()
  .meta({ description: 'What keeps it from being provisioned' });

export const ApplicationFile = z
  .object({
    ...status,
    submitted: DraftForm.nullable().meta({ description: 'What is to be decided on' }),
    level: level.nullable().meta({ description: 'Whose decision it waits for; null: nobody’s' }),
    failure: z.object(obstacle).nullable().meta({ description: 'Why its provisioning was undone' }),
    provisioned: z.array(z.string()).readonly(),
    deadline: instant.nullable(),
    hints,
    bar,
    orgName: z.string(),
    company: z.string(),
    terms: Terms.nullable(),
    attention: provisioningAttention,
    welcome: z
      .enum(['open', 'used', 'over'])
      .nullable()
      .meta({ description: 'The link by which its first API key is made; null: it has none yet' }),
    workflowId: z.string(),
    thread: z.array(z.object({ ...said, id: uuid, actor: z.string() })).readonly(),
    decisions: z.array(Decision).readonly(),
  })
  .meta({ id: 'ApplicationFile' });
