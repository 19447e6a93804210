// Mails about the application of an enterprise: to its owners, and to those of us whom it waits for.
import type { MailContext, MailTemplate } from './content.ts';

export const applicationReceived: MailTemplate<'application_received'> = {
  en: ({ company, applicationId }, _say, context) => ({
    subject: 'We have received your enterprise application',
    opening: `Thank you. The enterprise application of ${company} is being reviewed.`,
    details: [['Application', applicationId]],
    next: [
      'We answer within one business day, and write to you if we need to know more. Until then nothing changes for your organization.',
    ],
    action: { label: 'See your application', url: applicationUrl(context) },
  }),
  zh: ({ company, applicationId }, _say, context) => ({
    subject: '我们已收到您的企业版申请',
    opening: `感谢您的申请。${company} 的企业版申请正在审核中。`,
    details: [['申请编号', applicationId]],
    next: ['我们将在一个工作日内回复；如需补充信息，会与您联系。在此期间，您的组织不受任何影响。'],
    action: { label: '查看申请', url: applicationUrl(context) },
  }),
};

export const applicationQuestion: MailTemplate<'application_question'> = {
  en: ({ company, question, answerBy, isReminder }, say, context) => ({
    subject: isReminder
      ? 'Your enterprise application still waits for you'
      : 'A question about your enterprise application',
    opening: isReminder
      ? `The enterprise application of ${company} expires soon: we are still waiting for your answer.`
      : `To go on with the enterprise application of ${company} we need to know more.`,
    details: [
      ['We ask', question],
      ['Please answer by', say.moment(answerBy)],
    ],
    next: [
      'Change what is needed and submit the application again. Without an answer it expires; you can apply again then.',
    ],
    action: { label: 'Answer', url: applicationUrl(context) },
  }),
  zh: ({ company, question, answerBy, isReminder }, say, context) => ({
    subject: isReminder ? '您的企业版申请仍待您回复' : '关于您的企业版申请，请补充信息',
    opening: isReminder
      ? `${company} 的企业版申请即将过期，我们仍在等待您的回复。`
      : `为继续处理 ${company} 的企业版申请，我们需要更多信息。`,
    details: [
      ['我们的问题', question],
      ['请在此之前回复', say.moment(answerBy)],
    ],
    next: ['请修改相应内容并重新提交申请。逾期未回复，申请将自动失效，届时您可重新申请。'],
    action: { label: '立即回复', url: applicationUrl(context) },
  }),
};

export const applicationMessage: MailTemplate<'application_message'> = {
  en: ({ company, message }, _say, context) => ({
    subject: 'A message about your enterprise application',
    opening: `We have written to you about the enterprise application of ${company}.`,
    details: [['We write', message]],
    next: ['You can answer on the page of the application. What it waits for does not change by this message.'],
    action: { label: 'See your application', url: applicationUrl(context) },
  }),
  zh: ({ company, message }, _say, context) => ({
    subject: '关于您的企业版申请的新消息',
    opening: `关于 ${company} 的企业版申请，我们给您发送了一条消息。`,
    details: [['消息内容', message]],
    next: ['您可在申请页面回复。此消息不影响申请的当前进度。'],
    action: { label: '查看申请', url: applicationUrl(context) },
  }),
};

export const applicationWaits: MailTemplate<'application_waits'> = {
  en: ({ company, applicationId, duty, businessDays, level }, _say, { reviewUrl }) => ({
    subject:
      duty === 'head' ? `Escalated: an enterprise application waits` : `An enterprise application waits for a decision`,
    opening: `The application of ${company} has waited for a decision of ours for ${inDays(businessDays)}.`,
    details: [
      ['Application', applicationId],
      ['Level', String(level)],
    ],
    next: [
      duty === 'head'
        ? 'Those who decide were reminded. You are reminded every business day until somebody has decided.'
        : 'Approve it with terms, ask for more, or reject it with a reason. After three business days it is escalated.',
    ],
    action: { label: 'Decide on it', url: reviewUrl(applicationId) },
  }),
  zh: ({ company, applicationId, duty, businessDays, level }, _say, { reviewUrl }) => ({
    subject: duty === 'head' ? '升级提醒：企业版申请待处理' : '企业版申请待审批',
    opening: `${company} 的企业版申请已等待审批 ${businessDays} 个工作日。`,
    details: [
      ['申请编号', applicationId],
      ['审批级别', String(level)],
    ],
    next: [
      duty === 'head'
        ? '审批人员已收到提醒。在作出决定之前，系统将在每个工作日提醒您。'
        : '请批准并确定条款、要求补充信息，或注明理由后拒绝。满三个工作日后将升级处理。',
    ],
    action: { label: '前往审批', url: reviewUrl(applicationId) },
  }),
};

function inDays(count: number): string {
  return count === 1 ? 'a business day' : `${count} business days`;
}

export const applicationRejected: MailTemplate<'application_rejected'> = {
  en: ({ company, reason }, _say, context) => ({
    subject: 'Your enterprise application was not approved',
    opening: `We cannot approve the enterprise application of ${company}.`,
    details: [['Reason', reason]],
    next: ['Nothing changes for your organization. You can apply again at any time.'],
    action: { label: 'See your application', url: applicationUrl(context) },
  }),
  zh: ({ company, reason }, _say, context) => ({
    subject: '您的企业版申请未获批准',
    opening: `很抱歉，${company} 的企业版申请未获批准。`,
    details: [['原因', reason]],
    next: ['您的组织不受任何影响，您可随时重新申请。'],
    action: { label: '查看申请', url: applicationUrl(context) },
  }),
};

export const applicationExpired: MailTemplate<'application_expired'> = {
  en: ({ company }, _say, context) => ({
    subject: 'Your enterprise application has expired',
    opening: `We did not hear from you, so the enterprise application of ${company} has expired.`,
    details: [],
    next: ['Nothing changes for your organization. You can apply again at any time.'],
    action: { label: 'Apply again', url: applicationUrl(context) },
  }),
  zh: ({ company }, _say, context) => ({
    subject: '您的企业版申请已过期',
    opening: `由于未收到您的回复，${company} 的企业版申请已过期。`,
    details: [],
    next: ['您的组织不受任何影响，您可随时重新申请。'],
    action: { label: '重新申请', url: applicationUrl(context) },
  }),
};

export const enterpriseWelcome: MailTemplate<'enterprise_welcome'> = {
  en: ({ company, agreed, welcomeId, validUntil }, say, { welcomeUrl }) => ({
    subject: 'Welcome to Tollgate Enterprise',
    opening: `The enterprise application of ${company} is approved, and its terms are in force now.`,
    details: [
      ['Price', `${say.share(agreed.priceOfListPpm)} of list price`],
      [
        'Credit line',
        agreed.creditLineCents === 0
          ? 'None: paid in advance'
          : `${say.money(agreed.creditLineCents, 'usd')}, paid within ${agreed.netDays} days`,
      ],
      [
        'At most a month',
        agreed.monthlyBudgetCents === null ? 'No limit' : say.money(agreed.monthlyBudgetCents, 'usd'),
      ],
      ['The first key works from', agreed.allowedAddresses.join(', ') || 'Anywhere'],
      ['The link works until', say.moment(validUntil)],
    ],
    next: [
      'Your former plan has ended; what was unused of it is credited to your balance. API keys that you have go on working.',
      'Behind the link you make the first API key under the new terms. It works once; ask us for another one if it has expired.',
    ],
    action: { label: 'Make the first API key', url: welcomeUrl(welcomeId) },
  }),
  zh: ({ company, agreed, welcomeId, validUntil }, say, { welcomeUrl }) => ({
    subject: '欢迎使用 Tollgate 企业版',
    opening: `${company} 的企业版申请已获批准，相关条款现已生效。`,
    details: [
      ['价格', `标价的 ${say.share(agreed.priceOfListPpm)}`],
      [
        '信用额度',
        agreed.creditLineCents === 0
          ? '无，预付'
          : `${say.money(agreed.creditLineCents, 'usd')}，${agreed.netDays} 天内付款`,
      ],
      ['每月上限', agreed.monthlyBudgetCents === null ? '不限' : say.money(agreed.monthlyBudgetCents, 'usd')],
      ['首个密钥可用的来源', agreed.allowedAddresses.join('、') || '不限'],
      ['链接有效期至', say.moment(validUntil)],
    ],
    next: [
      '您原有的套餐已终止，未使用的价值已计入您的余额。现有 API 密钥可继续使用。',
      '请通过下方链接创建企业版的首个 API 密钥。链接仅可使用一次；如已过期，请联系我们重新发送。',
    ],
    action: { label: '创建首个 API 密钥', url: welcomeUrl(welcomeId) },
  }),
};

function applicationUrl({ orgId, applicationUrl: urlOf, accountUrl }: MailContext): string {
  return orgId === null ? accountUrl : urlOf(orgId);
}
