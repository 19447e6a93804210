// The mail that proves that an address is read by whom it was given for.
import type { MailTemplate } from './content.ts';

export const verification: MailTemplate<'verification'> = {
  en: ({ verificationId, validUntil }, say, { verifyUrl }) => ({
    subject: 'Please confirm your email address',
    opening: 'This address was entered for an account at Tollgate. Please confirm that it is yours.',
    details: [['Valid until', say.moment(validUntil)]],
    next: [
      'Until then no invoices or warnings are sent to it. If it was not you, do nothing: the link expires by itself.',
    ],
    action: { label: 'Confirm the address', url: verifyUrl(verificationId) },
  }),
  zh: ({ verificationId, validUntil }, say, { verifyUrl }) => ({
    subject: '请验证您的邮箱地址',
    opening: '有人使用此邮箱注册了 Tollgate 账户。如为您本人操作，请完成邮箱验证。',
    details: [['有效期至', say.moment(validUntil)]],
    next: ['完成验证之前，账单和提醒不会发送到此邮箱。如非本人操作，请忽略本邮件，链接到期后自动失效。'],
    action: { label: '验证邮箱', url: verifyUrl(verificationId) },
  }),
};
