// Mails about what is unpaid: reminders, warnings, what was done, and that it is over. A date is the earliest one: nothing happens to
// anybody sooner than the mail that warned him says.
import { type MailTemplate, said } from './content.ts';
import { billEn, billZh } from './payment-mails.ts';

const LIMITED_EN =
  'Limited means a tenth of your usual request rate, and that only credit you bought can be used. Nothing is deleted.';
const LIMITED_ZH = '受限期间，请求速率降至平时的十分之一，且只能使用已购买的额度。数据和 API 密钥不受影响。';
const PAID_ALREADY_EN = 'If you have paid in the meantime, please disregard this message.';
const PAID_ALREADY_ZH = '如您已完成付款，请忽略本邮件。';

const WHICH_EN = { first: '', second: 'Reminder: ', third: 'Third reminder: ' } as const;
const WHICH_ZH = { first: '', second: '付款提醒：', third: '第三次付款提醒：' } as const;

export const remind: MailTemplate<'remind'> = {
  en: (facts, say, context) => ({
    subject: `${WHICH_EN[facts.which]}${say.amount(facts)} for ${say.purchase(facts.purchase)} ${facts.isOverdue ? 'is unpaid' : `is due on ${say.day(facts.dueAt)}`}`,
    opening: facts.isOverdue
      ? `We have not received your payment of ${say.amount(facts)} for ${say.purchase(facts.purchase)}. It was due on ${say.moment(facts.dueAt)}.`
      : `${say.amount(facts)} for ${say.purchase(facts.purchase)} is due on ${say.moment(facts.dueAt)}.`,
    details: [...billEn(facts, say), ['Due', say.moment(facts.dueAt)]],
    next: said(
      facts.limitedAt &&
        `If it stays unpaid, your API access will be limited from ${say.moment(facts.limitedAt)} at the earliest. We will warn you a day before.`,
      PAID_ALREADY_EN,
    ),
    action: { label: 'Pay now', url: context.payUrl(facts.invoiceId) },
  }),
  zh: (facts, say, context) => ({
    subject: `${WHICH_ZH[facts.which]}${say.purchase(facts.purchase)} ${say.amount(facts)} ${facts.isOverdue ? '尚未支付' : `将于 ${say.day(facts.dueAt)}到期`}`,
    opening: facts.isOverdue
      ? `我们尚未收到“${say.purchase(facts.purchase)}”的款项 ${say.amount(facts)}，付款截止时间为 ${say.moment(facts.dueAt)}。`
      : `“${say.purchase(facts.purchase)}”的款项 ${say.amount(facts)} 将于 ${say.moment(facts.dueAt)}到期。`,
    details: [...billZh(facts, say), ['付款截止', say.moment(facts.dueAt)]],
    next: said(
      facts.limitedAt && `如仍未付款，您的 API 访问最早将于 ${say.moment(facts.limitedAt)}受限。我们会提前一天通知您。`,
      PAID_ALREADY_ZH,
    ),
    action: { label: '立即支付', url: context.payUrl(facts.invoiceId) },
  }),
};

export const limitWarning: MailTemplate<'limit_warning'> = {
  en: (facts, say, context) => ({
    subject: `Your API access will be limited on ${say.day(facts.limitedAt)}`,
    opening: `${say.amount(facts)} for ${say.purchase(facts.purchase)} is still unpaid. Unless we receive it before, your API access will be limited from ${say.moment(facts.limitedAt)}.`,
    details: [...billEn(facts, say), ['Was due', say.moment(facts.dueAt)]],
    next: [LIMITED_EN, PAID_ALREADY_EN],
    action: { label: 'Pay now', url: context.payUrl(facts.invoiceId) },
  }),
  zh: (facts, say, context) => ({
    subject: `您的 API 访问将于 ${say.day(facts.limitedAt)}受限`,
    opening: `“${say.purchase(facts.purchase)}”的款项 ${say.amount(facts)} 仍未支付。如在 ${say.moment(facts.limitedAt)}之前仍未收到付款，您的 API 访问将受限。`,
    details: [...billZh(facts, say), ['付款截止', say.moment(facts.dueAt)]],
    next: [LIMITED_ZH, PAID_ALREADY_ZH],
    action: { label: '立即支付', url: context.payUrl(facts.invoiceId) },
  }),
};

export const limited: MailTemplate<'limited'> = {
  en: (facts, say, context) => ({
    subject: 'Your API access is limited until you pay',
    opening: `Your API access has been limited since ${say.moment(facts.limitedAt)}, because ${say.amount(facts)} for ${say.purchase(facts.purchase)} is unpaid.`,
    details: [...billEn(facts, say), ['Was due', say.moment(facts.dueAt)]],
    next: said(
      LIMITED_EN,
      'As soon as your payment arrives, everything works as before.',
      facts.planEndsAt && `If it stays unpaid, your plan ends on ${say.moment(facts.planEndsAt)}.`,
    ),
    action: { label: 'Pay now', url: context.payUrl(facts.invoiceId) },
  }),
  zh: (facts, say, context) => ({
    subject: '您的 API 访问已受限，付款后立即恢复',
    opening: `由于“${say.purchase(facts.purchase)}”的款项 ${say.amount(facts)} 未支付，您的 API 访问自 ${say.moment(facts.limitedAt)}起受限。`,
    details: [...billZh(facts, say), ['付款截止', say.moment(facts.dueAt)]],
    next: said(
      LIMITED_ZH,
      '收到付款后，访问将立即恢复。',
      facts.planEndsAt && `如仍未付款，您的套餐将于 ${say.moment(facts.planEndsAt)}结束。`,
    ),
    action: { label: '立即支付', url: context.payUrl(facts.invoiceId) },
  }),
};

export const lastWarning: MailTemplate<'last_warning'> = {
  en: (facts, say, context) => ({
    subject:
      facts.ending === 'plan'
        ? `Last notice: your plan ends on ${say.day(facts.at)}`
        : `Last notice: your API access may be stopped from ${say.day(facts.at)}`,
    opening:
      facts.ending === 'plan'
        ? `${say.amount(facts)} for ${say.purchase(facts.purchase)} is still unpaid. Unless we receive it before, the plan ends on ${say.moment(facts.at)}.`
        : `${say.amount(facts)} for ${say.purchase(facts.purchase)} is still unpaid. Unless we receive it before, your API access may be stopped from ${say.moment(facts.at)}.`,
    details: [...billEn(facts, say), ['Was due', say.moment(facts.dueAt)]],
    next: [
      facts.ending === 'plan'
        ? 'You then pay as you go and owe nothing for this renewal. Credit that you bought stays yours.'
        : 'All requests of your API keys are then refused until the payment has arrived. If you need more time, reply to this email.',
      PAID_ALREADY_EN,
    ],
    action: { label: 'Pay now', url: context.payUrl(facts.invoiceId) },
  }),
  zh: (facts, say, context) => ({
    subject:
      facts.ending === 'plan'
        ? `最后提醒：您的套餐将于 ${say.day(facts.at)}结束`
        : `最后提醒：您的 API 访问可能于 ${say.day(facts.at)}停用`,
    opening:
      facts.ending === 'plan'
        ? `“${say.purchase(facts.purchase)}”的款项 ${say.amount(facts)} 仍未支付。如在 ${say.moment(facts.at)}之前仍未收到付款，该套餐将结束。`
        : `“${say.purchase(facts.purchase)}”的款项 ${say.amount(facts)} 仍未支付。如在 ${say.moment(facts.at)}之前仍未收到付款，您的 API 访问可能被停用。`,
    details: [...billZh(facts, say), ['付款截止', say.moment(facts.dueAt)]],
    next: [
      facts.ending === 'plan'
        ? '届时账户将转为按量付费，您无需再支付本次续费，已购买的额度可继续使用。'
        : '停用后，所有 API 密钥的请求都将被拒绝，直至收到付款。如需延期，请直接回复本邮件。',
      PAID_ALREADY_ZH,
    ],
    action: { label: '立即支付', url: context.payUrl(facts.invoiceId) },
  }),
};

export const stopped: MailTemplate<'stopped'> = {
  en: (facts, say, context) => ({
    subject: 'Your API access has been stopped',
    opening: `Your API access was stopped on ${say.moment(facts.stoppedAt)}, because ${say.amount(facts)} for ${say.purchase(facts.purchase)} is unpaid. All requests of your API keys are refused.`,
    details: [...billEn(facts, say), ['Was due', say.moment(facts.dueAt)]],
    next: [
      'As soon as your payment arrives, everything works as before. If something stands in the way, reply to this email.',
    ],
    action: { label: 'Pay now', url: context.payUrl(facts.invoiceId) },
  }),
  zh: (facts, say, context) => ({
    subject: '您的 API 访问已停用',
    opening: `由于“${say.purchase(facts.purchase)}”的款项 ${say.amount(facts)} 未支付，您的 API 访问已于 ${say.moment(facts.stoppedAt)}停用，所有 API 密钥的请求都会被拒绝。`,
    details: [...billZh(facts, say), ['付款截止', say.moment(facts.dueAt)]],
    next: ['收到付款后，访问将立即恢复。如付款遇到困难，请直接回复本邮件。'],
    action: { label: '立即支付', url: context.payUrl(facts.invoiceId) },
  }),
};

export const restored: MailTemplate<'restored'> = {
  en: ({ from, restoredAt }, say, { accountUrl }) => ({
    subject: 'Your API access is restored',
    opening: `Your API access, which was ${from}, was restored on ${say.moment(restoredAt)} and works as before.`,
    details: [],
    next: ['There is nothing you need to do: your API keys are the same.'],
    action: { label: 'Open your account', url: accountUrl },
  }),
  zh: ({ from, restoredAt }, say, { accountUrl }) => ({
    subject: '您的 API 访问已恢复',
    opening: `您此前${from === 'limited' ? '受限' : '停用'}的 API 访问已于 ${say.moment(restoredAt)}恢复正常。`,
    details: [],
    next: ['您无需任何操作，原有 API 密钥可继续使用。'],
    action: { label: '查看账户', url: accountUrl },
  }),
};

const URGENCY_EN = { due: '', late: ' (open for a day)', very_late: ' (open for three days)' } as const;
const URGENCY_ZH = { due: '', late: '（已等待一天）', very_late: '（已等待三天）' } as const;

export const stopDecision: MailTemplate<'stop_decision'> = {
  en: (facts, say, { organization, runbookUrl }) => ({
    subject: `Decide: ${organization} has not paid ${say.amount(facts)}${URGENCY_EN[facts.urgency]}`,
    opening: `${organization} has owed ${say.amount(facts)} since ${say.moment(facts.dueAt)} and has been warned. It is limited; it is stopped only if a person decides so.`,
    details: [...billEn(facts, say), ['Workflow', facts.workflowId]],
    next: [
      'Stop it, give it more time, or waive the invoice: the runbook has the commands. A payment closes the case by itself.',
    ],
    action: { label: 'Open the runbook', url: runbookUrl },
  }),
  zh: (facts, say, { organization, runbookUrl }) => ({
    subject: `待决定：${organization} 欠款 ${say.amount(facts)}${URGENCY_ZH[facts.urgency]}`,
    opening: `${organization} 自 ${say.moment(facts.dueAt)}起欠款 ${say.amount(facts)}，已多次提醒，目前处于受限状态。是否停用须由人工决定。`,
    details: [...billZh(facts, say), ['工作流', facts.workflowId]],
    next: ['可选择停用、延期或免除该账单，操作命令见运维手册。收到付款后，此事项自动关闭。'],
    action: { label: '打开运维手册', url: runbookUrl },
  }),
};
