// What the page on which an invoice is paid says, in the languages of our customers.

export type Language = 'en' | 'zh';

/** Why the last card did not pay, as far as its owner can do something about it. */
export type Refused =
  | 'declined'
  | 'check_card'
  | 'other_card'
  | 'not_confirmed'
  | 'too_often'
  | 'not_asked'
  | 'unknown';

export interface PayWords {
  readonly title: string;
  readonly usage: string;
  readonly oneMonth: string;
  readonly oneYear: string;
  readonly dueOn: string;
  readonly ofWhichTax: string;
  readonly payWith: string;
  readonly anotherCard: string;
  readonly noCard: string;
  readonly confirming: string;
  readonly confirmingMore: string;
  readonly atBank: string;
  readonly continueAtBank: string;
  readonly orAnother: string;
  readonly paid: string;
  readonly paidMore: string;
  readonly toConsole: string;
  readonly nothingToPay: string;
  readonly nothingToPayMore: string;
  readonly providerAway: string;
  readonly notOurs: string;
  readonly notOursMore: string;
  readonly trouble: string;
  readonly troubleMore: string;
  readonly refused: { readonly [R in Refused]: string };
}

export const PAY_WORDS: { readonly [L in Language]: PayWords } = {
  en: {
    title: 'Pay an invoice',
    usage: 'Usage',
    oneMonth: 'one month',
    oneYear: 'one year',
    dueOn: 'Due on',
    ofWhichTax: 'Of which tax:',
    payWith: 'Pay with',
    anotherCard: 'Add another card',
    noCard: 'There is no card on file yet.',
    confirming: 'Your payment is being confirmed',
    confirmingMore: 'This page looks again by itself. You can also close it: nothing is lost.',
    atBank: 'Your bank waits for you',
    continueAtBank: 'Continue at your bank',
    orAnother: 'Or pay with another card:',
    paid: 'Paid, thank you',
    paidMore: 'The payment has arrived. There is nothing else to do.',
    toConsole: 'Go to your organization',
    nothingToPay: 'Nothing to pay',
    nothingToPayMore: 'This invoice was cancelled.',
    providerAway: 'Our payment provider does not answer at the moment. No card was asked: try again in some minutes.',
    notOurs: 'This link leads nowhere',
    notOursMore: 'Copy it again, whole, from the mail or the message that it came with.',
    trouble: 'This did not work',
    troubleMore: 'We do not answer as we should. Nothing is lost: open this page again in some minutes.',
    refused: {
      declined: 'Your bank declined the payment. Nothing was charged. Try again later, or pay with another card.',
      check_card: 'The card was not accepted. Check its details with your bank, or pay with another card.',
      other_card: 'The card was not accepted. Pay with another card, or ask your bank.',
      not_confirmed:
        'The payment was not confirmed with your bank. Nothing was charged. Try again, or pay with another card.',
      too_often: 'This card has been asked too often in the last 30 days. Pay with another card.',
      not_asked: 'The card could not be asked. Nothing was charged. Try again, or pay with another card.',
      unknown: 'We have not learned what became of the last payment. Should it have been made, this page will say so.',
    },
  },
  zh: {
    title: '支付账单',
    usage: '用量',
    oneMonth: '一个月',
    oneYear: '一年',
    dueOn: '到期日',
    ofWhichTax: '其中税费：',
    payWith: '使用此卡支付',
    anotherCard: '添加其他银行卡',
    noCard: '尚未保存银行卡。',
    confirming: '正在确认您的付款',
    confirmingMore: '本页会自动刷新。您也可以关闭本页，付款不会丢失。',
    atBank: '您的银行正在等待您确认',
    continueAtBank: '前往银行继续',
    orAnother: '或使用其他银行卡支付：',
    paid: '已付款，谢谢',
    paidMore: '付款已到账，您无需再做任何操作。',
    toConsole: '前往您的组织',
    nothingToPay: '无需付款',
    nothingToPayMore: '此账单已取消。',
    providerAway: '支付服务商暂时没有响应，尚未向任何银行卡扣款。请几分钟后重试。',
    notOurs: '此链接无效',
    notOursMore: '请从邮件或消息中重新复制完整的链接。',
    trouble: '操作未成功',
    troubleMore: '我们的服务暂时异常，没有任何数据丢失。请几分钟后重新打开本页。',
    refused: {
      declined: '您的银行拒绝了这笔付款，未扣款。请稍后重试，或使用其他银行卡。',
      check_card: '此卡未被接受。请与银行核对卡片信息，或使用其他银行卡。',
      other_card: '此卡未被接受。请使用其他银行卡，或咨询您的银行。',
      not_confirmed: '付款未通过银行验证，未扣款。请重试，或使用其他银行卡。',
      too_often: '此卡在最近 30 天内尝试次数过多。请使用其他银行卡。',
      not_asked: '无法使用此卡，未扣款。请重试，或使用其他银行卡。',
      unknown: '我们尚不知道上一笔付款的结果。如已付款，本页会显示。',
    },
  },
};

const CHINESE = /^zh\b/i;
const ENGLISH = /^en\b/i;

/** The one of ours that the browser likes best, English where it likes neither. */
export function languageOf(acceptLanguage: string | undefined): Language {
  const liked = (acceptLanguage ?? '')
    .split(',')
    .map((range) => {
      const [tag = '', ...parameters] = range.trim().split(';');
      const weight = parameters.map((parameter) => /^\s*q=([\d.]+)$/.exec(parameter)?.[1]).find(Boolean);
      return { tag, weight: Number(weight ?? 1) };
    })
    .filter(({ tag, weight }) => weight > 0 && (CHINESE.test(tag) || ENGLISH.test(tag)))
    .sort((a, b) => b.weight - a.weight);
  return CHINESE.test(liked[0]?.tag ?? '') ? 'zh' : 'en';
}
