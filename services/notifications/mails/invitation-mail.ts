// The mail by which somebody comes into an organization. Whoever gets it may not know us.
import type { MemberRole } from '../../../domain/authorization.ts';
import type { MailTemplate } from './content.ts';

const ROLES: { readonly [R in MemberRole]: { readonly en: string; readonly zh: string } } = {
  owner: { en: 'owner', zh: '所有者' },
  admin: { en: 'administrator', zh: '管理员' },
  billing: { en: 'billing contact', zh: '账单管理员' },
  developer: { en: 'developer', zh: '开发者' },
  viewer: { en: 'viewer', zh: '只读成员' },
};

export const invitation: MailTemplate<'invitation'> = {
  en: ({ orgName, inviterName, role, invitationId, validUntil }, say, { invitationUrl }) => ({
    subject: `Join ${orgName} at Tollgate`,
    opening: `${inviterName ?? 'Our team'} asks you to join ${orgName} as ${ROLES[role].en}.`,
    details: [['Valid until', say.moment(validUntil)]],
    next: ['Sign in with this address, or sign up with it. If you do not know what this is about, do nothing.'],
    action: { label: `Join ${orgName}`, url: invitationUrl(invitationId) },
  }),
  zh: ({ orgName, inviterName, role, invitationId, validUntil }, say, { invitationUrl }) => ({
    subject: `邀请您加入 Tollgate 上的 ${orgName}`,
    opening: `${inviterName ?? '我们'}邀请您以${ROLES[role].zh}身份加入 ${orgName}。`,
    details: [['有效期至', say.moment(validUntil)]],
    next: ['请使用此邮箱登录或注册。如您不了解此事，请忽略本邮件。'],
    action: { label: `加入 ${orgName}`, url: invitationUrl(invitationId) },
  }),
};
