// Mails about coming in by an organization's provider: to whom it is about, and to those who answer for the organization.
import { type MailTemplate, said } from './content.ts';

const IDENTITY = {
  en: {
    connected: 'From now on your account can be signed in to by the single sign-on of this organization.',
    disconnected: 'Your account is no longer signed in to by the single sign-on of this organization.',
  },
  zh: {
    connected: '从现在起，可通过该组织的单点登录登录您的账户。',
    disconnected: '该组织的单点登录不再能登录您的账户。',
  },
} as const;

export const identity: MailTemplate<'identity'> = {
  en: ({ change, orgName, changedAt }, say, { accountUrl }) => ({
    subject: 'The single sign-on of your account at Tollgate',
    opening: IDENTITY.en[change],
    details: [
      ['Organization', orgName],
      ['When', say.moment(changedAt)],
    ],
    next: ['If it was not you, disconnect it in your account at once, change your password, and write to us.'],
    action: { label: 'Look at your account', url: accountUrl },
  }),
  zh: ({ change, orgName, changedAt }, say, { accountUrl }) => ({
    subject: '您的 Tollgate 账户的单点登录',
    opening: IDENTITY.zh[change],
    details: [
      ['组织', orgName],
      ['时间', say.moment(changedAt)],
    ],
    next: ['如非本人操作，请立即在账户中断开连接，修改密码，并与我们联系。'],
    action: { label: '查看账户', url: accountUrl },
  }),
};

export const identityLink: MailTemplate<'identity_link'> = {
  en: ({ linkId, orgName, validUntil }, say, { identityLinkUrl }) => ({
    subject: 'Connect your account at Tollgate with single sign-on?',
    opening:
      'Somebody came in by the single sign-on of an organization with this address, and you have an account here. By this link you say that it was you, once.',
    details: [
      ['Organization', orgName],
      ['Valid until', say.moment(validUntil)],
    ],
    next: [
      'Whoever runs that single sign-on can then sign in as you, to that organization alone. If it was not you, do nothing: nothing is changed.',
    ],
    action: { label: 'It was me', url: identityLinkUrl(linkId) },
  }),
  zh: ({ linkId, orgName, validUntil }, say, { identityLinkUrl }) => ({
    subject: '将您的 Tollgate 账户与单点登录连接？',
    opening:
      '有人使用此邮箱通过某组织的单点登录访问，而您在此已有账户。如为您本人操作，请通过下方链接确认，链接仅可使用一次。',
    details: [
      ['组织', orgName],
      ['有效期至', say.moment(validUntil)],
    ],
    next: ['此后，管理该单点登录的人可以您的身份登录，但仅限于该组织。如非本人操作，请忽略本邮件，不会有任何更改。'],
    action: { label: '是我本人操作', url: identityLinkUrl(linkId) },
  }),
};

const SINGLE_SIGN_ON = {
  en: {
    changed: 'The single sign-on of your organization was changed.',
    removed: 'The single sign-on of your organization was removed: nobody comes in by it any more.',
    enforced:
      'The single sign-on of your organization is required from now on: members who are no owners come in no other way.',
    freed: 'The single sign-on of your organization is no longer required: members may come in otherwise.',
  },
  zh: {
    changed: '贵组织的单点登录设置已更改。',
    removed: '贵组织的单点登录已移除，无法再通过它登录。',
    enforced: '贵组织从现在起要求使用单点登录：除所有者外，成员只能通过它登录。',
    freed: '贵组织不再要求使用单点登录，成员可通过其他方式登录。',
  },
} as const;

export const singleSignOn: MailTemplate<'single_sign_on'> = {
  en: ({ change, host, changedAt }, say, { orgId, teamUrl, accountUrl }) => ({
    subject: 'The single sign-on of your organization at Tollgate',
    opening: SINGLE_SIGN_ON.en[change],
    details: [['When', say.moment(changedAt)], ...(host === null ? [] : [['Provider', host] as const])],
    next: said(
      'If no owner of yours did this, look at it now: whoever changes it says who your people are.',
      change === 'enforced'
        ? 'Owners can sign in by their password and second factor, should the provider be away.'
        : null,
    ),
    action: { label: 'Look at it', url: orgId === null ? accountUrl : teamUrl(orgId) },
  }),
  zh: ({ change, host, changedAt }, say, { orgId, teamUrl, accountUrl }) => ({
    subject: '贵组织在 Tollgate 的单点登录',
    opening: SINGLE_SIGN_ON.zh[change],
    details: [['时间', say.moment(changedAt)], ...(host === null ? [] : [['身份提供商', host] as const])],
    next: said(
      '如非贵组织的所有者操作，请立即查看：更改此设置的人可以决定谁是你们的成员。',
      change === 'enforced' ? '如身份提供商不可用，所有者仍可通过密码和两步验证登录。' : null,
    ),
    action: { label: '查看', url: orgId === null ? accountUrl : teamUrl(orgId) },
  }),
};
