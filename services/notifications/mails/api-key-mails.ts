// Mails about API keys whose credential is about to be, or has to be, another one: to whoever has it in a program of his, and to those who answer for it.
import { type MailContext, type MailTemplate, said } from './content.ts';

export const oldCredentialEnds: MailTemplate<'old_credential_ends'> = {
  en: ({ apiKeyName, shape, endsAt, usedAt, usedFrom }, say, context) => ({
    subject: `The old key of “${apiKeyName}” ends soon, and is still used`,
    opening: `The API key “${apiKeyName}” was rolled. Requests with its old text are refused from the moment below on, and there were some within the last day.`,
    details: [
      ['Old key', shape],
      ['Ends', say.moment(endsAt)],
      ['Last used', say.moment(usedAt)],
      ...(usedFrom === null ? [] : [['From', usedFrom] as const]),
    ],
    next: [
      'Put the new key where the old one still is. If you need more time, you can extend the overlap to 30 days in all.',
    ],
    action: { label: 'See the key', url: keysUrl(context) },
  }),
  zh: ({ apiKeyName, shape, endsAt, usedAt, usedFrom }, say, context) => ({
    subject: `密钥“${apiKeyName}”的旧密钥即将失效，但仍在使用`,
    opening: `API 密钥“${apiKeyName}”已轮换。从下述时间起，使用旧密钥的请求将被拒绝，而最近一天内仍有此类请求。`,
    details: [
      ['旧密钥', shape],
      ['失效时间', say.moment(endsAt)],
      ['最近使用', say.moment(usedAt)],
      ...(usedFrom === null ? [] : [['来源地址', usedFrom] as const]),
    ],
    next: ['请将仍在使用旧密钥之处换成新密钥。如需更多时间，可延长重叠期，总计最多 30 天。'],
    action: { label: '查看密钥', url: keysUrl(context) },
  }),
};

export const credentialLeaked: MailTemplate<'credential_leaked'> = {
  en: ({ apiKeyName, shape, isFrozen, seenAt, reportedAt }, say, context) => ({
    subject: isFrozen
      ? `The API key “${apiKeyName}” was found in public and is frozen`
      : `The old key of “${apiKeyName}” was found in public and has ended`,
    opening: isFrozen
      ? `All of the API key “${apiKeyName}” was found where others can read it. Requests with it are refused from now on.`
      : `All of the old key of “${apiKeyName}” was found where others can read it. It was still to work for a while, and has ended. The new key works on.`,
    details: [
      ['Key', shape],
      ['Reported', say.moment(reportedAt)],
      ...(seenAt === null ? [] : [['Seen at', withoutScheme(seenAt)] as const]),
    ],
    next: said(
      isFrozen ? 'Roll it: a new key takes its place at once, with the same limits.' : null,
      isFrozen ? 'Only if you are sure that nobody else has it, whoever runs the organization can unfreeze it.' : null,
      'Look at the requests of the last days: whoever found the key may have used it.',
    ),
    action: { label: isFrozen ? 'Roll the key' : 'See the key', url: keysUrl(context) },
  }),
  zh: ({ apiKeyName, shape, isFrozen, seenAt, reportedAt }, say, context) => ({
    subject: isFrozen ? `API 密钥“${apiKeyName}”已被公开，现已冻结` : `“${apiKeyName}”的旧密钥已被公开，现已失效`,
    opening: isFrozen
      ? `API 密钥“${apiKeyName}”的完整内容出现在他人可见之处。从现在起，使用它的请求将被拒绝。`
      : `“${apiKeyName}”的旧密钥的完整内容出现在他人可见之处。它原本仍可使用一段时间，现已立即失效。新密钥不受影响。`,
    details: [
      ['密钥', shape],
      ['报告时间', say.moment(reportedAt)],
      ...(seenAt === null ? [] : [['出现位置', withoutScheme(seenAt)] as const]),
    ],
    next: said(
      isFrozen ? '请轮换密钥：新密钥立即生效，限制不变。' : null,
      isFrozen ? '只有在确定无人获得该密钥时，组织的管理者才应解除冻结。' : null,
      '请检查最近几天的请求：发现密钥的人可能已使用过它。',
    ),
    action: { label: isFrozen ? '轮换密钥' : '查看密钥', url: keysUrl(context) },
  }),
};

function keysUrl({ orgId, keysUrl: urlOf, accountUrl }: MailContext): string {
  return orgId === null ? accountUrl : urlOf(orgId);
}

/** What others named is no link of ours. */
function withoutScheme(url: string): string {
  return url.replace(/^https?:\/\//i, '');
}
