// Mails about the change of a mail address: to the new one, which is proved by it, and to the one before, which may be taken back; and about the end
// of an account, to the address that it still has.
import type { MailTemplate } from './content.ts';

export const mailChangeCode: MailTemplate<'mail_change_code'> = {
  en: ({ mailChangeId, validUntil }, say, { accountUrl, mailChangeCode: codeOf }) => ({
    subject: `${codeOf(mailChangeId)} is your code for Tollgate`,
    opening: 'Type this code in the window in which you asked to use this address for your account.',
    details: [
      ['Code', codeOf(mailChangeId)],
      ['Valid until', say.moment(validUntil)],
    ],
    next: ['Never tell it to anybody, us included. If it was not you who asked, do nothing: nothing is changed.'],
    action: { label: 'Go to Tollgate', url: accountUrl },
  }),
  zh: ({ mailChangeId, validUntil }, say, { accountUrl, mailChangeCode: codeOf }) => ({
    subject: `${codeOf(mailChangeId)} 是您的 Tollgate 验证码`,
    opening: '请在您申请更换邮箱的页面中输入此验证码。',
    details: [
      ['验证码', codeOf(mailChangeId)],
      ['有效期至', say.moment(validUntil)],
    ],
    next: ['请勿将验证码告诉任何人，包括我们的工作人员。如非本人操作，请忽略本邮件，账户不会有任何更改。'],
    action: { label: '前往 Tollgate', url: accountUrl },
  }),
};

export const mailChanged: MailTemplate<'mail_changed'> = {
  en: ({ mailChangeId, changedAt, backUntil }, say, { mailBackUrl }) => ({
    subject: 'Your account at Tollgate has another mail address',
    opening: 'Your account has another mail address from now on, and nothing about it is sent to this one any more.',
    details: [
      ['When', say.moment(changedAt)],
      ['You can undo it until', say.moment(backUntil)],
    ],
    next: [
      'If it was you, there is nothing to do. If not, take your account back by this link: you choose a new password, all sessions end, and this is your address again.',
    ],
    action: { label: 'It was not me', url: mailBackUrl(mailChangeId) },
  }),
  zh: ({ mailChangeId, changedAt, backUntil }, say, { mailBackUrl }) => ({
    subject: '您的 Tollgate 账户已更换邮箱',
    opening: '您的账户已更换为另一个邮箱，今后与账户有关的邮件不再发送到此邮箱。',
    details: [
      ['时间', say.moment(changedAt)],
      ['可撤销至', say.moment(backUntil)],
    ],
    next: [
      '如为您本人操作，无需处理。如非本人操作，请通过此链接取回账户：设置新密码后，所有会话都将结束，并恢复使用此邮箱。',
    ],
    action: { label: '不是我本人操作', url: mailBackUrl(mailChangeId) },
  }),
};

export const accountClosed: MailTemplate<'account_closed'> = {
  en: ({ closingId, closedAt, backUntil }, say, { reopenUrl }) => ({
    subject: 'Your account at Tollgate is closed',
    opening: 'Your account is closed: nobody can sign in to it, and its API keys no longer work.',
    details: [
      ['When', say.moment(closedAt)],
      ['You can open it again until', say.moment(backUntil)],
    ],
    next: [
      'After that your name and this address are removed from it, and the address is free. Receipts are kept as the law wants it.',
      'If it was not you, open it again by this link and change your password at once.',
    ],
    action: { label: 'Open my account again', url: reopenUrl(closingId) },
  }),
  zh: ({ closingId, closedAt, backUntil }, say, { reopenUrl }) => ({
    subject: '您的 Tollgate 账户已关闭',
    opening: '您的账户已关闭，无法再登录，其 API 密钥也已停用。',
    details: [
      ['时间', say.moment(closedAt)],
      ['可重新开启至', say.moment(backUntil)],
    ],
    next: [
      '此后您的姓名和此邮箱将从账户中移除，邮箱可重新用于注册。收据将依法保留。',
      '如非本人操作，请通过此链接重新开启账户，并立即修改密码。',
    ],
    action: { label: '重新开启账户', url: reopenUrl(closingId) },
  }),
};
