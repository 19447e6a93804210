// The page on which a new enterprise makes its first API key. Opening it does nothing: mail servers open links, too. The key is shown once.
import type { WelcomeState } from '../../services/onboarding/welcome.ts';
import { escaped, htmlPage, SENT_ONCE } from './page-frame.ts';
import type { Language } from './pay-words.ts';

const WORDS: {
  readonly [L in Language]: { readonly [S in WelcomeState | 'made']: readonly [title: string, more: string] } & {
    readonly button: string;
  };
} = {
  en: {
    open: ['Make your first API key', 'It is shown once, on the next page: have a safe place for it at hand.'],
    made: [
      'Your first API key',
      'Copy it now: it is not shown again. Whoever has it can spend the credit of your organization.',
    ],
    used: ['This link was used', 'Your first API key was made by it. If it was not you, ask us to disable that key.'],
    over: ['This link has expired', 'No API key was made by it. Ask us for a new one.'],
    button: 'Make the API key',
  },
  zh: {
    open: ['创建您的首个 API 密钥', '密钥仅在下一页显示一次，请事先准备好安全的保存位置。'],
    made: ['您的首个 API 密钥', '请立即复制，此密钥不会再次显示。任何持有者都可使用您组织的额度。'],
    used: ['此链接已使用', '首个 API 密钥已通过此链接创建。如非本人操作，请联系我们停用该密钥。'],
    over: ['此链接已过期', '尚未创建 API 密钥，请联系我们重新发送。'],
    button: '创建 API 密钥',
  },
};

export function welcomePage(state: WelcomeState, language: Language): string {
  const words = WORDS[language];
  const [title, more] = words[state];
  const form = state === 'open' ? `\n<form method="post"><button>${words.button}</button></form>${SENT_ONCE}` : '';
  return htmlPage(language, title, `<h1>${title}</h1>\n<p>${more}</p>${form}`);
}

export function firstKeyPage(credential: string, language: Language): string {
  const [title, more] = WORDS[language].made;
  return htmlPage(language, title, `<h1>${title}</h1>\n<p><code>${escaped(credential)}</code></p>\n<p>${more}</p>`);
}
