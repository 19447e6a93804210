// Mails about money that was taken, given back, or asked for and not got. What a bank suspects is never repeated to whoever reads
// the mail: it may be the thief.
import { type MailContent, type MailTemplate, said } from './content.ts';
import type { FactsOf } from './kinds.ts';
import type { Phrases } from './phrases.ts';

type Demand = Pick<FactsOf<'refunded'>, 'amountCents' | 'currency' | 'purchase' | 'invoice'>;
type Details = MailContent['details'];

export function billEn(demand: Demand, say: Phrases): Details {
  return [
    ['Amount', say.amount(demand)],
    ['For', say.billLine(demand.purchase, demand.currency)],
    ...(demand.invoice === null ? [] : [['Invoice', demand.invoice] as const]),
  ];
}

export function billZh(demand: Demand, say: Phrases): Details {
  return [
    ['金额', say.amount(demand)],
    ['项目', say.billLine(demand.purchase, demand.currency)],
    ...(demand.invoice === null ? [] : [['账单编号', demand.invoice] as const]),
  ];
}

export const receipt: MailTemplate<'receipt'> = {
  en: (facts, say, { accountUrl }) => ({
    subject: `Receipt: ${say.amount(facts)} for ${say.purchase(facts.purchase)}`,
    opening: `We have received your payment of ${say.amount(facts)} for ${say.purchase(facts.purchase)}. Thank you.`,
    details: [
      ...billEn(facts, say),
      ['Paid', say.moment(facts.paidAt)],
      ...(facts.cardLastFour === null ? [] : [['Card', `ending in ${facts.cardLastFour}`] as const]),
    ],
    next: said(boughtEn(facts, say), facts.renewsAt && `Your plan renews by itself on ${say.moment(facts.renewsAt)}.`),
    action: { label: 'Open your account', url: accountUrl },
  }),
  zh: (facts, say, { accountUrl }) => ({
    subject: `付款收据：${say.purchase(facts.purchase)} ${say.amount(facts)}`,
    opening: `我们已收到您为“${say.purchase(facts.purchase)}”支付的 ${say.amount(facts)}，感谢您的付款。`,
    details: [
      ...billZh(facts, say),
      ['支付时间', say.moment(facts.paidAt)],
      ...(facts.cardLastFour === null ? [] : [['银行卡', `尾号 ${facts.cardLastFour}`] as const]),
    ],
    next: said(boughtZh(facts, say), facts.renewsAt && `您的套餐将于 ${say.moment(facts.renewsAt)}自动续费。`),
    action: { label: '查看账户', url: accountUrl },
  }),
};

function boughtEn({ purchase }: Pick<Demand, 'purchase'>, say: Phrases): string {
  switch (purchase.kind) {
    case 'plan':
      return `The plan is paid until ${say.moment(purchase.to)}.`;
    case 'pack':
      return purchase.bonusUntil === null
        ? 'The credit is on your balance now.'
        : `The credit is on your balance now; the bonus can be used until ${say.moment(purchase.bonusUntil)}.`;
    case 'top_up':
      return 'The credit is on your balance now.';
    case 'usage':
      return 'Nothing is left to pay on this invoice.';
  }
}

function boughtZh({ purchase }: Pick<Demand, 'purchase'>, say: Phrases): string {
  switch (purchase.kind) {
    case 'plan':
      return `套餐有效期至 ${say.moment(purchase.to)}。`;
    case 'pack':
      return purchase.bonusUntil === null
        ? '额度已到账，可立即使用。'
        : `额度已到账，可立即使用；赠送额度有效期至 ${say.moment(purchase.bonusUntil)}。`;
    case 'top_up':
      return '额度已到账，可立即使用。';
    case 'usage':
      return '该账单已全部结清。';
  }
}

export const refunded: MailTemplate<'refunded'> = {
  en: (facts, say, { accountUrl }) => ({
    subject: `Refund: ${say.amount(facts)} for ${say.purchase(facts.purchase)}`,
    opening: `We have refunded ${say.amount(facts)} for ${say.purchase(facts.purchase)}.`,
    details: [...billEn(facts, say), ['Refunded', say.moment(facts.refundedAt)]],
    next: said(
      facts.purchase.kind === 'pack' ? 'What was left of its credit has been taken off your balance.' : null,
      'The money goes back the way it came. Banks usually take five to ten working days to show it.',
    ),
    action: { label: 'Open your account', url: accountUrl },
  }),
  zh: (facts, say, { accountUrl }) => ({
    subject: `退款通知：${say.purchase(facts.purchase)} ${say.amount(facts)}`,
    opening: `您购买的“${say.purchase(facts.purchase)}”已退款 ${say.amount(facts)}。`,
    details: [...billZh(facts, say), ['退款时间', say.moment(facts.refundedAt)]],
    next: said(
      facts.purchase.kind === 'pack' ? '该充值包的剩余额度已从余额中扣除。' : null,
      '款项将按原支付方式退回，银行入账通常需要 5 至 10 个工作日。',
    ),
    action: { label: '查看账户', url: accountUrl },
  }),
};

export const secondCaptureRefunded: MailTemplate<'second_capture_refunded'> = {
  en: (facts, say, { accountUrl }) => ({
    subject: `You were charged twice: ${say.amount(facts)} is on its way back`,
    opening: `${say.amount(facts)} for ${say.purchase(facts.purchase)} reached us twice. We have refunded the second payment at once; the first one counts.`,
    details: [...billEn(facts, say), ['Refunded', say.moment(facts.refundedAt)]],
    next: [
      'There is nothing you need to do. The money goes back the way it came; banks usually take five to ten working days to show it.',
    ],
    action: { label: 'Open your account', url: accountUrl },
  }),
  zh: (facts, say, { accountUrl }) => ({
    subject: `重复扣款 ${say.amount(facts)} 已退回`,
    opening: `“${say.purchase(facts.purchase)}”的款项 ${say.amount(facts)} 被重复支付。首笔付款有效，第二笔我们已立即退款。`,
    details: [...billZh(facts, say), ['退款时间', say.moment(facts.refundedAt)]],
    next: ['您无需任何操作。款项将按原支付方式退回，银行入账通常需要 5 至 10 个工作日。'],
    action: { label: '查看账户', url: accountUrl },
  }),
};

export const paymentDeclined: MailTemplate<'payment_declined'> = {
  en: (facts, say, context) => ({
    subject: `Your payment of ${say.amount(facts)} did not go through`,
    opening: `${refusalEn(facts)} Nothing was charged: ${say.amount(facts)} for ${say.purchase(facts.purchase)} is still to be paid.`,
    details: billEn(facts, say),
    next: [
      facts.nextAttemptAt === null
        ? isMistyped(facts)
          ? 'Please enter its details anew, or pay with another card.'
          : 'We will not charge this card again. Please pay with another one.'
        : `We will try again on ${say.moment(facts.nextAttemptAt)}. You can also pay now, with this card or another one.`,
    ],
    action: { label: 'Pay now', url: context.payUrl(facts.invoiceId) },
  }),
  zh: (facts, say, context) => ({
    subject: `${say.amount(facts)} 付款未成功`,
    opening: `${refusalZh(facts)}本次未产生扣款，“${say.purchase(facts.purchase)}”的 ${say.amount(facts)} 仍待支付。`,
    details: billZh(facts, say),
    next: [
      facts.nextAttemptAt === null
        ? isMistyped(facts)
          ? '请重新填写该卡信息，或使用其他银行卡支付。'
          : '我们不会再从该卡扣款，请使用其他银行卡支付。'
        : `我们将于 ${say.moment(facts.nextAttemptAt)}再次尝试扣款。您也可以现在使用该卡或其他银行卡支付。`,
    ],
    action: { label: '立即支付', url: context.payUrl(facts.invoiceId) },
  }),
};

type Refusal = Pick<FactsOf<'payment_declined'>, 'decline' | 'suspicious'>;

function isMistyped({ decline, suspicious }: Refusal): boolean {
  return decline === 'needs_customer' && !suspicious;
}

function refusalEn({ decline, suspicious }: Refusal): string {
  if (suspicious) return 'We could not complete your payment.';
  switch (decline) {
    case 'never':
      return 'Your bank has declined our charge and does not allow another attempt with this card.';
    case 'needs_customer':
      return 'Your bank does not accept the card as we have it on file: it may have expired, or a number may be wrong.';
    case 'later':
      return 'Your bank declined our charge. Often the reason is passing, such as a spending cap or the balance of that day.';
  }
}

function refusalZh({ decline, suspicious }: Refusal): string {
  if (suspicious) return '您的付款未能完成。';
  switch (decline) {
    case 'never':
      return '您的银行拒绝了这笔扣款，并且不允许再次使用该卡尝试。';
    case 'needs_customer':
      return '您的银行未接受我们存档的银行卡信息：该卡可能已过期，或卡片信息填写有误。';
    case 'later':
      return '您的银行拒绝了这笔扣款。这通常是暂时的，例如当日消费限额或余额不足。';
  }
}

export const paymentNeedsYou: MailTemplate<'payment_needs_you'> = {
  en: (facts, say, context) => ({
    subject: `Please confirm your payment of ${say.amount(facts)}`,
    opening: `Your bank wants you to confirm the payment of ${say.amount(facts)} for ${say.purchase(facts.purchase)} yourself (3-D Secure). Nothing has been charged yet.`,
    details: billEn(facts, say),
    next: said(
      'Open the link and follow the steps of your bank; it takes a minute.',
      facts.confirmUntil &&
        `Please do so by ${say.moment(facts.confirmUntil)}. After that the payment counts as declined.`,
    ),
    action: { label: 'Confirm the payment', url: context.payUrl(facts.invoiceId) },
  }),
  zh: (facts, say, context) => ({
    subject: `请确认您的付款 ${say.amount(facts)}`,
    opening: `“${say.purchase(facts.purchase)}”的付款 ${say.amount(facts)} 需要持卡人本人验证（3-D Secure），目前尚未扣款。`,
    details: billZh(facts, say),
    next: said(
      '请打开链接并按银行提示完成验证，通常一分钟即可。',
      facts.confirmUntil && `请在 ${say.moment(facts.confirmUntil)}之前完成，逾期将视为付款失败。`,
    ),
    action: { label: '确认付款', url: context.payUrl(facts.invoiceId) },
  }),
};

export const cardExpiring: MailTemplate<'card_expiring'> = {
  en: (facts, say, { accountUrl }) => ({
    subject: `Your card ending in ${facts.cardLastFour} expires in ${say.month(facts.expires)}`,
    opening: `The card ending in ${facts.cardLastFour}, which pays for your account, can be used until the end of ${say.month(facts.expires)}.`,
    details: [],
    next: [
      facts.nextChargeAt === null
        ? 'Please add another card before then, so that your next payment goes through.'
        : `Please add another card before our next charge on ${say.moment(facts.nextChargeAt)}.`,
    ],
    action: { label: 'Update your card', url: accountUrl },
  }),
  zh: (facts, say, { accountUrl }) => ({
    subject: `您尾号 ${facts.cardLastFour} 的银行卡将于 ${say.month(facts.expires)}到期`,
    opening: `您账户绑定的银行卡（尾号 ${facts.cardLastFour}）有效期至 ${say.month(facts.expires)}底。`,
    details: [],
    next: [
      facts.nextChargeAt === null
        ? '请在到期前更换银行卡，以免影响下一次付款。'
        : `下一次扣款时间为 ${say.moment(facts.nextChargeAt)}，请在此之前更换银行卡。`,
    ],
    action: { label: '更换银行卡', url: accountUrl },
  }),
};
