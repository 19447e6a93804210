// The page on which somebody says that a mail address is his. Opening it does nothing: mail servers open links, too.
import type { VerificationState } from '../../services/people/verifications.ts';
import { htmlPage } from './page-frame.ts';
import type { Language } from './pay-words.ts';

const WORDS: {
  readonly [L in Language]: { readonly [S in VerificationState]: readonly [title: string, more: string] } & {
    readonly button: string;
  };
} = {
  en: {
    open: [
      'Confirm your email address',
      'This link was sent to an address that was entered for an account at Tollgate.',
    ],
    used: ['Your address is confirmed', 'There is nothing else to do.'],
    over: ['This link has expired', 'Nothing was confirmed by it. Ask whoever manages your account for a new one.'],
    button: 'The address is mine',
  },
  zh: {
    open: ['验证您的邮箱地址', '有人使用此邮箱注册了 Tollgate 账户，因此向该邮箱发送了此链接。'],
    used: ['您的邮箱已验证', '您无需进行其他操作。'],
    over: ['此链接已过期', '邮箱尚未验证。请联系您的账户管理员重新发送。'],
    button: '这是我的邮箱',
  },
};

export function verifyPage(state: VerificationState, language: Language): string {
  const words = WORDS[language];
  const [title, more] = words[state];
  const form = state === 'open' ? `\n<form method="post"><button>${words.button}</button></form>` : '';
  return htmlPage(language, title, `<h1>${title}</h1>\n<p>${more}</p>${form}`);
}
