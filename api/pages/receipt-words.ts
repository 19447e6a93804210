// What a receipt says, in the languages of our customers.
import type { Language } from './pay-words.ts';

export interface ReceiptWords {
  readonly title: string;
  readonly number: string;
  readonly paidAt: string;
  readonly payment: string;
  readonly paidWith: string;
  readonly billTo: string;
  readonly taxId: string;
  readonly poNumber: string;
  readonly what: string;
  readonly amount: string;
  readonly net: string;
  readonly tax: string;
  readonly total: string;
  readonly second: string;
  readonly taxOnInvoice: string;
  readonly refunded: string;
  plan(name: string, months: number): string;
  usage(month: string, invoice: string): string;
  pack(credit: string): string;
  topUp(credit: string): string;
  bonus(credit: string): string;
}

export const RECEIPT_WORDS: { readonly [L in Language]: ReceiptWords } = {
  en: {
    title: 'Receipt',
    number: 'Number',
    paidAt: 'Paid on',
    payment: 'Payment',
    paidWith: 'Paid with',
    billTo: 'Paid by',
    taxId: 'Tax ID',
    poNumber: 'Purchase order number',
    what: 'For',
    amount: 'Amount',
    net: 'Net',
    tax: 'Tax',
    total: 'Total',
    second: 'Taken a second time for the same purchase; it goes back',
    taxOnInvoice: 'The tax stands on invoice',
    refunded: 'Of this was refunded:',
    plan: (name, months) => `${name}, ${months === 12 ? 'one year' : 'one month'}`,
    usage: (month, invoice) => `Usage in ${month}, invoice ${invoice}`,
    pack: (credit) => `Pack of credit: ${credit}, which does not expire`,
    topUp: (credit) => `Automatic top-up: ${credit} of credit, which does not expire`,
    bonus: (credit) => `Bonus credit: ${credit}, for twelve months`,
  },
  zh: {
    title: '收据',
    number: '编号',
    paidAt: '付款日期',
    payment: '付款',
    paidWith: '付款方式',
    billTo: '付款人',
    taxId: '税号',
    poNumber: '采购订单号',
    what: '项目',
    amount: '金额',
    net: '不含税',
    tax: '税额',
    total: '合计',
    second: '同一笔购买的重复扣款，将予退还',
    taxOnInvoice: '税额见账单',
    refunded: '其中已退款：',
    plan: (name, months) => `${name}，${months === 12 ? '一年' : '一个月'}`,
    usage: (month, invoice) => `${month} 用量，账单 ${invoice}`,
    pack: (credit) => `充值包：${credit} 额度，永不过期`,
    topUp: (credit) => `自动充值：${credit} 额度，永不过期`,
    bonus: (credit) => `赠送额度：${credit}，有效期十二个月`,
  },
};
