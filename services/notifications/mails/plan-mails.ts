// Mails about a subscription: what it becomes, and when.
import { type MailTemplate, said } from './content.ts';

export const renewalAhead: MailTemplate<'renewal_ahead'> = {
  en: (facts, say, { accountUrl }) => ({
    subject: `Your ${say.plan(facts.terms)} renews on ${say.day(facts.renewsAt)}`,
    opening: `Your ${say.plan(facts.terms)} renews by itself on ${say.moment(facts.renewsAt)}.`,
    details: [
      ['Amount', say.amount(facts)],
      ['For', `the ${say.plan(facts.terms)}`],
      ...(facts.cardLastFour === null ? [] : [['Card', `ending in ${facts.cardLastFour}`] as const]),
    ],
    next: [
      facts.cardLastFour === null
        ? 'We have no card of yours on file. Please add one before then to keep your plan.'
        : 'To keep your plan, there is nothing you need to do. If you want to change or cancel it, please do so before then.',
    ],
    action: { label: 'Manage your plan', url: accountUrl },
  }),
  zh: (facts, say, { accountUrl }) => ({
    subject: `您的“${say.plan(facts.terms)}”将于 ${say.day(facts.renewsAt)}续费`,
    opening: `您的“${say.plan(facts.terms)}”将于 ${say.moment(facts.renewsAt)}自动续费。`,
    details: [
      ['金额', say.amount(facts)],
      ['项目', say.plan(facts.terms)],
      ...(facts.cardLastFour === null ? [] : [['银行卡', `尾号 ${facts.cardLastFour}`] as const]),
    ],
    next: [
      facts.cardLastFour === null
        ? '您的账户尚未绑定银行卡。如需继续使用该套餐，请在续费前完成绑定。'
        : '如需继续使用，您无需任何操作；如需更换或取消套餐，请在续费前处理。',
    ],
    action: { label: '管理套餐', url: accountUrl },
  }),
};

export const planChanged: MailTemplate<'plan_changed'> = {
  en: (facts, say, { accountUrl }) => ({
    subject:
      facts.charge === null
        ? `Your plan changes on ${say.day(facts.effectiveAt)}`
        : `You are now on the ${say.plan(facts.to)}`,
    opening:
      facts.charge === null
        ? `You asked to move from the ${say.plan(facts.from)} to the ${say.plan(facts.to)}. The change takes effect on ${say.moment(facts.effectiveAt)}; until then everything stays as it is.`
        : `You moved from the ${say.plan(facts.from)} to the ${say.plan(facts.to)}. The change took effect on ${say.moment(facts.effectiveAt)}.`,
    details:
      facts.charge === null
        ? []
        : [
            ['Charged now', say.amount(facts.charge)],
            ['Credited for your previous plan', say.money(facts.charge.creditedCents, facts.charge.currency)],
          ],
    next: said(
      facts.charge === null ? 'Nothing is charged now.' : null,
      facts.renewal &&
        `The ${say.plan(facts.to)} renews on ${say.moment(facts.renewal.at)} for ${say.amount(facts.renewal)}.`,
    ),
    action: { label: 'See your plan', url: accountUrl },
  }),
  zh: (facts, say, { accountUrl }) => ({
    subject:
      facts.charge === null ? `您的套餐将于 ${say.day(facts.effectiveAt)}变更` : `您已更换为“${say.plan(facts.to)}”`,
    opening:
      facts.charge === null
        ? `您申请由“${say.plan(facts.from)}”更换为“${say.plan(facts.to)}”，变更将于 ${say.moment(facts.effectiveAt)}生效，在此之前不受影响。`
        : `您已由“${say.plan(facts.from)}”更换为“${say.plan(facts.to)}”，变更自 ${say.moment(facts.effectiveAt)}起生效。`,
    details:
      facts.charge === null
        ? []
        : [
            ['本次扣款', say.amount(facts.charge)],
            ['原套餐抵扣', say.money(facts.charge.creditedCents, facts.charge.currency)],
          ],
    next: said(
      facts.charge === null ? '本次变更不产生扣款。' : null,
      facts.renewal &&
        `“${say.plan(facts.to)}”将于 ${say.moment(facts.renewal.at)}续费，金额为 ${say.amount(facts.renewal)}。`,
    ),
    action: { label: '查看套餐', url: accountUrl },
  }),
};

export const cancelled: MailTemplate<'cancelled'> = {
  en: ({ terms, endsAt }, say, { accountUrl }) => ({
    subject: `Your ${say.plan(terms)} ends on ${say.day(endsAt)}`,
    opening: `You cancelled your ${say.plan(terms)}. It stays yours until ${say.moment(endsAt)} and does not renew.`,
    details: [],
    next: [
      'After that you pay as you go, with the credit that you bought. Included credit ends with the plan. Until then you can take the cancellation back at no cost.',
    ],
    action: { label: 'Keep the plan', url: accountUrl },
  }),
  zh: ({ terms, endsAt }, say, { accountUrl }) => ({
    subject: `您的“${say.plan(terms)}”将于 ${say.day(endsAt)}结束`,
    opening: `您已取消“${say.plan(terms)}”的续费。该套餐可继续使用至 ${say.moment(endsAt)}，到期后不再扣款。`,
    details: [],
    next: [
      '到期后账户将转为按量付费，已购买的额度可继续使用，套餐内含额度随套餐失效。到期前您可随时恢复续费，不产生任何费用。',
    ],
    action: { label: '恢复续费', url: accountUrl },
  }),
};

export const paused: MailTemplate<'paused'> = {
  en: ({ terms, pausesAt }, say, { accountUrl }) => ({
    subject: `Your ${say.plan(terms)} pauses on ${say.day(pausesAt)}`,
    opening: `Your ${say.plan(terms)} pauses on ${say.moment(pausesAt)}. Until then everything stays as it is.`,
    details: [],
    next: [
      'While it is paused nothing is charged for it, and you pay as you go with the credit that you bought. It begins again with a new period when you resume it.',
    ],
    action: { label: 'Manage your plan', url: accountUrl },
  }),
  zh: ({ terms, pausesAt }, say, { accountUrl }) => ({
    subject: `您的“${say.plan(terms)}”将于 ${say.day(pausesAt)}暂停`,
    opening: `您的“${say.plan(terms)}”将于 ${say.moment(pausesAt)}暂停，在此之前不受影响。`,
    details: [],
    next: ['暂停期间不收取套餐费用，您可使用已购买的额度按量付费。恢复后将开始新的计费周期。'],
    action: { label: '管理套餐', url: accountUrl },
  }),
};

export const planEnded: MailTemplate<'plan_ended'> = {
  en: ({ terms, endedAt, why }, say, { accountUrl }) => ({
    subject: `Your ${say.plan(terms)} has ended`,
    opening:
      why === 'unpaid'
        ? `Your ${say.plan(terms)} ended on ${say.moment(endedAt)}, because its renewal was not paid. The invoice is void: you owe nothing for it, and we will not charge your card for it.`
        : `Your ${say.plan(terms)} ended on ${say.moment(endedAt)}, as you asked.`,
    details: [],
    next: [
      'You pay as you go from now on, and can use all the credit that you bought. You can take a plan again whenever you like.',
    ],
    action: { label: 'Choose a plan', url: accountUrl },
  }),
  zh: ({ terms, endedAt, why }, say, { accountUrl }) => ({
    subject: `您的“${say.plan(terms)}”已结束`,
    opening:
      why === 'unpaid'
        ? `由于续费未支付，您的“${say.plan(terms)}”已于 ${say.moment(endedAt)}结束。该账单已作废，您无需为其付款，我们也不会再就此扣款。`
        : `根据您的申请，“${say.plan(terms)}”已于 ${say.moment(endedAt)}结束。`,
    details: [],
    next: ['账户现已转为按量付费，已购买的额度可继续使用。您可随时重新订阅套餐。'],
    action: { label: '选择套餐', url: accountUrl },
  }),
};
