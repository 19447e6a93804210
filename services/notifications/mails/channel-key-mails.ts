// The mail about the key of a channel, to us: somebody must make one at the provider and bring it, and until then the old one grows older.
import type { MailTemplate } from './content.ts';

export const channelKeyAwaited: MailTemplate<'channel_key_awaited'> = {
  en: ({ channelName, keyLastFour, awaitedSince, workflowId }, say, { staffKeysUrl }) => ({
    subject: `Bring a new key for ${channelName}`,
    opening: `The key of channel ${channelName} is to be changed, and we make no keys at its provider. The old one serves until a person has brought another.`,
    details: [
      ['Old key', `…${keyLastFour}`],
      ['Waits since', say.moment(awaitedSince)],
      ['Workflow', workflowId],
    ],
    next: [
      'Make a key at the provider and paste it on the page of keys: never into a mail. You are told again after a day.',
    ],
    action: { label: 'Open the keys', url: staffKeysUrl },
  }),
  zh: ({ channelName, keyLastFour, awaitedSince, workflowId }, say, { staffKeysUrl }) => ({
    subject: `请为 ${channelName} 提供新密钥`,
    opening: `渠道 ${channelName} 的密钥需要更换，而其提供商处的密钥须由人工创建。在提供新密钥之前，旧密钥照常使用。`,
    details: [
      ['旧密钥', `…${keyLastFour}`],
      ['等待始于', say.moment(awaitedSince)],
      ['工作流', workflowId],
    ],
    next: ['请在提供商处创建密钥，并在密钥管理页面粘贴，切勿通过邮件发送。一天后会再次提醒。'],
    action: { label: '打开密钥管理', url: staffKeysUrl },
  }),
};
