// Mails about credit that runs low, and about buying it without a person.
import { type MailTemplate, said } from './content.ts';

export const balanceLow: MailTemplate<'balance_low'> = {
  en: (facts, say, { accountUrl }) => ({
    subject: facts.percent === 0 ? 'Your credit is used up' : `${facts.percent}% of your credit is left`,
    opening:
      facts.percent === 0
        ? 'Your credit is used up.'
        : `Your balance has fallen to ${facts.percent}% of the credit that you last received, or below.`,
    details: [
      ['Balance', say.money(facts.balanceCents, facts.currency)],
      ['Last received', say.money(facts.basisCents, facts.currency)],
    ],
    next: [
      facts.isTopUpOn
        ? 'Automatic top-up is on: it buys credit as you have set it.'
        : facts.percent === 0
          ? 'Requests that cost money are refused until you add credit. Automatic top-up is off.'
          : 'When it is used up, requests that cost money are refused. Automatic top-up is off.',
    ],
    action: { label: facts.isTopUpOn ? 'See your balance' : 'Add credit', url: accountUrl },
  }),
  zh: (facts, say, { accountUrl }) => ({
    subject: facts.percent === 0 ? '您的额度已用完' : `您的额度剩余 ${facts.percent}%`,
    opening: facts.percent === 0 ? '您的额度已用完。' : `您的余额已降至最近一次入账额度的 ${facts.percent}% 或更低。`,
    details: [
      ['当前余额', say.money(facts.balanceCents, facts.currency)],
      ['最近一次入账额度', say.money(facts.basisCents, facts.currency)],
    ],
    next: [
      facts.isTopUpOn
        ? '自动充值已开启，系统将按您的设置购买额度。'
        : facts.percent === 0
          ? '充值之前，所有付费请求都会被拒绝。自动充值未开启。'
          : '额度用完后，所有付费请求都会被拒绝。自动充值未开启。',
    ],
    action: { label: facts.isTopUpOn ? '查看余额' : '立即充值', url: accountUrl },
  }),
};

export const topUpDone: MailTemplate<'top_up_done'> = {
  en: (facts, say, { accountUrl }) => ({
    subject: `Automatic top-up: ${say.amount(facts)}`,
    opening: `Your balance was low, so we bought credit for ${say.amount(facts)}, as you have set it.`,
    details: [
      ['Amount', say.amount(facts)],
      ['For', 'credit, automatic top-up'],
      ['Paid', say.moment(facts.paidAt)],
      ['Balance', say.money(facts.balanceCents, facts.currency)],
    ],
    next: ['The credit can be used now. The next top-up comes when your balance falls below your threshold again.'],
    action: { label: 'Change automatic top-up', url: accountUrl },
  }),
  zh: (facts, say, { accountUrl }) => ({
    subject: `自动充值成功：${say.amount(facts)}`,
    opening: `您的余额低于设定值，系统已按您的设置自动充值 ${say.amount(facts)}。`,
    details: [
      ['金额', say.amount(facts)],
      ['项目', '自动充值额度'],
      ['支付时间', say.moment(facts.paidAt)],
      ['当前余额', say.money(facts.balanceCents, facts.currency)],
    ],
    next: ['额度已到账，可立即使用。余额再次低于设定值时，系统将再次自动充值。'],
    action: { label: '修改自动充值设置', url: accountUrl },
  }),
};

export const topUpDeclined: MailTemplate<'top_up_declined'> = {
  en: (facts, say, { accountUrl }) => ({
    subject: `Automatic top-up of ${say.amount(facts)} did not go through`,
    opening: facts.suspicious
      ? `We could not complete the automatic top-up of ${say.amount(facts)}. Nothing was charged.`
      : `Your bank declined the automatic top-up of ${say.amount(facts)}. Nothing was charged.`,
    details: [
      ['Amount', say.amount(facts)],
      ['For', 'credit, automatic top-up'],
    ],
    next: said(
      facts.notBefore && `We try again when your balance is low, but not before ${say.moment(facts.notBefore)}.`,
      'You can add credit yourself, or use another card.',
    ),
    action: { label: 'Add credit', url: accountUrl },
  }),
  zh: (facts, say, { accountUrl }) => ({
    subject: `自动充值 ${say.amount(facts)} 未成功`,
    opening: facts.suspicious
      ? `自动充值 ${say.amount(facts)} 未能完成，未产生扣款。`
      : `您的银行拒绝了自动充值 ${say.amount(facts)} 的扣款，未产生费用。`,
    details: [
      ['金额', say.amount(facts)],
      ['项目', '自动充值额度'],
    ],
    next: said(
      facts.notBefore && `如余额仍低于设定值，系统将再次尝试，但不早于 ${say.moment(facts.notBefore)}。`,
      '您也可以手动充值，或更换银行卡。',
    ),
    action: { label: '立即充值', url: accountUrl },
  }),
};

export const topUpOff: MailTemplate<'top_up_off'> = {
  en: ({ why }, _say, { accountUrl }) => ({
    subject: 'Automatic top-up is off',
    opening:
      why === 'declines'
        ? 'Your card was declined three times in a row, so we have switched automatic top-up off.'
        : 'Automatic top-up is off, as you asked.',
    details: [],
    next: [
      'Credit is not bought by itself any more: when it is used up, requests that cost money are refused. You can add credit at any time, and switch automatic top-up on again.',
    ],
    action: { label: 'Add credit', url: accountUrl },
  }),
  zh: ({ why }, _say, { accountUrl }) => ({
    subject: '自动充值已关闭',
    opening: why === 'declines' ? '由于您的银行卡连续三次扣款失败，自动充值已关闭。' : '根据您的设置，自动充值已关闭。',
    details: [],
    next: ['系统将不再自动购买额度，额度用完后付费请求会被拒绝。您可随时手动充值，或重新开启自动充值。'],
    action: { label: '立即充值', url: accountUrl },
  }),
};
