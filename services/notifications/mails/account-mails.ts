// Mails about getting into an account. None says anything that somebody else's mailbox should not read, and none asks for a password.
import type { MailTemplate } from './content.ts';

export const signUpCode: MailTemplate<'sign_up_code'> = {
  en: ({ signUpId, validUntil }, say, { accountUrl, signUpCode: codeOf }) => ({
    subject: `${codeOf(signUpId)} is your code for Tollgate`,
    opening: 'Type this code in the window in which you asked for an account.',
    details: [
      ['Code', codeOf(signUpId)],
      ['Valid until', say.moment(validUntil)],
    ],
    next: ['Never tell it to anybody, us included. If you did not ask for an account, do nothing: none is made.'],
    action: { label: 'Go to Tollgate', url: accountUrl },
  }),
  zh: ({ signUpId, validUntil }, say, { accountUrl, signUpCode: codeOf }) => ({
    subject: `${codeOf(signUpId)} 是您的 Tollgate 验证码`,
    opening: '请在您申请注册的页面中输入此验证码。',
    details: [
      ['验证码', codeOf(signUpId)],
      ['有效期至', say.moment(validUntil)],
    ],
    next: ['请勿将验证码告诉任何人，包括我们的工作人员。如非本人操作，请忽略本邮件，系统不会创建账户。'],
    action: { label: '前往 Tollgate', url: accountUrl },
  }),
};

export const knownAddress: MailTemplate<'known_address'> = {
  en: (_facts, _say, { accountUrl }) => ({
    subject: 'You have an account at Tollgate already',
    opening: 'Somebody wanted this address for an account, and it has one. Nothing was changed.',
    details: [],
    next: ['If it was you, sign in; if you do not know your password, have it reset there. If not, do nothing.'],
    action: { label: 'Sign in', url: accountUrl },
  }),
  zh: (_facts, _say, { accountUrl }) => ({
    subject: '您已拥有 Tollgate 账户',
    opening: '有人想将此邮箱用于某个账户，但该邮箱已有账户，账户未作任何更改。',
    details: [],
    next: ['如为您本人操作，请直接登录；如忘记密码，可在登录页面重置。如非本人操作，请忽略本邮件。'],
    action: { label: '登录', url: accountUrl },
  }),
};

export const newSignIn: MailTemplate<'new_sign_in'> = {
  en: ({ signedInAt, clientAddress }, say, { accountUrl }) => ({
    subject: 'New sign-in to your account at Tollgate',
    opening: 'Your account was signed in to from a browser or a network that it has not been used from before.',
    details: [
      ['When', say.moment(signedInAt)],
      ['From', clientAddress],
    ],
    next: [
      'If it was you, there is nothing to do. If not, change your password at once: that ends all other sessions.',
    ],
    action: { label: 'Look at your account', url: accountUrl },
  }),
  zh: ({ signedInAt, clientAddress }, say, { accountUrl }) => ({
    subject: '您的 Tollgate 账户有新的登录',
    opening: '您的账户刚刚从一个此前未使用过的浏览器或网络登录。',
    details: [
      ['时间', say.moment(signedInAt)],
      ['来源', clientAddress],
    ],
    next: ['如为您本人操作，无需处理。如非本人操作，请立即修改密码，其他会话将随之全部结束。'],
    action: { label: '查看账户', url: accountUrl },
  }),
};

export const passwordReset: MailTemplate<'password_reset'> = {
  en: ({ resetId, validUntil }, say, { resetUrl }) => ({
    subject: 'Choose a new password for Tollgate',
    opening: 'Somebody asked to change the password of your account. By this link you choose a new one, once.',
    details: [['Valid until', say.moment(validUntil)]],
    next: ['All sessions end by it. If it was not you, do nothing: your password stays as it is.'],
    action: { label: 'Choose a password', url: resetUrl(resetId) },
  }),
  zh: ({ resetId, validUntil }, say, { resetUrl }) => ({
    subject: '重置您的 Tollgate 密码',
    opening: '有人申请修改您账户的密码。您可通过下方链接设置新密码，链接仅可使用一次。',
    details: [['有效期至', say.moment(validUntil)]],
    next: ['修改后所有会话都将结束。如非本人操作，请忽略本邮件，您的密码不会改变。'],
    action: { label: '设置新密码', url: resetUrl(resetId) },
  }),
};

export const passwordChanged: MailTemplate<'password_changed'> = {
  en: ({ changedAt }, say, { accountUrl }) => ({
    subject: 'Your password for Tollgate was changed',
    opening: 'The password of your account was changed, and sessions in other browsers have ended.',
    details: [['When', say.moment(changedAt)]],
    next: ['If it was not you, have your password reset at once where you sign in.'],
    action: { label: 'Go to Tollgate', url: accountUrl },
  }),
  zh: ({ changedAt }, say, { accountUrl }) => ({
    subject: '您的 Tollgate 密码已修改',
    opening: '您账户的密码已修改，其他浏览器中的会话均已结束。',
    details: [['时间', say.moment(changedAt)]],
    next: ['如非本人操作，请立即在登录页面重置密码。'],
    action: { label: '前往 Tollgate', url: accountUrl },
  }),
};

const SECOND_FACTOR = {
  en: {
    enrolled: 'From now on your account asks for a code of your authenticator app.',
    removed: 'Your account no longer asks for a code of an authenticator app.',
    recovery_code_used: 'Your account was signed in to by one of your recovery codes.',
  },
  zh: {
    enrolled: '从现在起，登录您的账户需要身份验证器的验证码。',
    removed: '登录您的账户不再需要身份验证器的验证码。',
    recovery_code_used: '有人使用您的一个恢复代码登录了账户。',
  },
} as const;

export const secondFactor: MailTemplate<'second_factor'> = {
  en: ({ change, changedAt, recoveryCodesLeft }, say, { accountUrl }) => ({
    subject: 'The second factor of your account at Tollgate',
    opening: SECOND_FACTOR.en[change],
    details: [
      ['When', say.moment(changedAt)],
      ['Recovery codes left', String(recoveryCodesLeft)],
    ],
    next: ['If it was not you, change your password at once, and write to us.'],
    action: { label: 'Look at your account', url: accountUrl },
  }),
  zh: ({ change, changedAt, recoveryCodesLeft }, say, { accountUrl }) => ({
    subject: '您的 Tollgate 账户的两步验证',
    opening: SECOND_FACTOR.zh[change],
    details: [
      ['时间', say.moment(changedAt)],
      ['剩余恢复代码', String(recoveryCodesLeft)],
    ],
    next: ['如非本人操作，请立即修改密码，并与我们联系。'],
    action: { label: '查看账户', url: accountUrl },
  }),
};

const PASSKEY = {
  en: {
    added: 'From now on your account can be signed in to by this passkey, without the password.',
    removed: 'Your account is no longer signed in to by this passkey.',
    copied:
      'Somebody used a copy of this passkey. It was set aside: nobody signs in by it, and nobody did by the copy.',
  },
  zh: {
    added: '从现在起，可凭此通行密钥登录您的账户，无需密码。',
    removed: '此通行密钥不再能登录您的账户。',
    copied: '有人使用了此通行密钥的副本。该通行密钥已停用，无法再用于登录；使用副本的人未能登录。',
  },
} as const;

export const passkey: MailTemplate<'passkey'> = {
  en: ({ change, name, changedAt }, say, { accountUrl }) => ({
    subject: 'The passkeys of your account at Tollgate',
    opening: PASSKEY.en[change],
    details: [
      ['Passkey', name],
      ['When', say.moment(changedAt)],
    ],
    next: [
      change === 'copied'
        ? 'Remove it in your account, and add another one on a device that you trust.'
        : 'If it was not you, change your password at once, look through your passkeys, and write to us.',
    ],
    action: { label: 'Look at your account', url: accountUrl },
  }),
  zh: ({ change, name, changedAt }, say, { accountUrl }) => ({
    subject: '您的 Tollgate 账户的通行密钥',
    opening: PASSKEY.zh[change],
    details: [
      ['通行密钥', name],
      ['时间', say.moment(changedAt)],
    ],
    next: [
      change === 'copied'
        ? '请在账户中移除该通行密钥，并在您信任的设备上重新添加。'
        : '如非本人操作，请立即修改密码，检查您的通行密钥，并与我们联系。',
    ],
    action: { label: '查看账户', url: accountUrl },
  }),
};
