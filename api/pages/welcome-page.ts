// The page on which a new enterprise makes its first API key. Opening it does nothing: mail servers open links, too. The key is shown once, with
// what is done with it next: it is kept, tried by a command, and looked after in the console.
import type { WelcomeState } from '../../services/onboarding/welcome.ts';
import { COPIES, escaped, htmlPage, SENT_ONCE } from './page-frame.ts';
import type { Language } from './pay-words.ts';

const CONSOLE = '/console/';

interface WelcomeWords {
  readonly states: { readonly [S in WelcomeState | 'made']: readonly [title: string, more: string] };
  readonly button: string;
  readonly copyKey: string;
  readonly copied: string;
  readonly notCopied: string;
  readonly tryIt: string;
  readonly copyCommand: string;
  readonly console: string;
}

const WORDS: { readonly [L in Language]: WelcomeWords } = {
  en: {
    states: {
      open: ['Make your first API key', 'It is shown once, on the next page: have a safe place for it at hand.'],
      made: [
        'Your first API key',
        'Copy it now: it is not shown again. Whoever has it can spend the credit of your organization.',
      ],
      used: ['This link was used', 'Your first API key was made by it. If it was not you, ask us to disable that key.'],
      over: ['This link has expired', 'No API key was made by it. Ask us for a new one.'],
    },
    button: 'Make the API key',
    copyKey: 'Copy the key',
    copied: 'Copied',
    notCopied: 'Your browser does not let us: it is marked, copy it by hand',
    tryIt: 'Run this in a terminal to try it',
    copyCommand: 'Copy the command',
    console: 'Go to the console',
  },
  zh: {
    states: {
      open: ['创建您的首个 API 密钥', '密钥仅在下一页显示一次，请事先准备好安全的保存位置。'],
      made: ['您的首个 API 密钥', '请立即复制，此密钥不会再次显示。任何持有者都可使用您组织的额度。'],
      used: ['此链接已使用', '首个 API 密钥已通过此链接创建。如非本人操作，请联系我们停用该密钥。'],
      over: ['此链接已过期', '尚未创建 API 密钥，请联系我们重新发送。'],
    },
    button: '创建 API 密钥',
    copyKey: '复制密钥',
    copied: '已复制',
    notCopied: '浏览器不允许自动复制：内容已选中，请手动复制',
    tryIt: '在终端中运行以下命令，试用此密钥',
    copyCommand: '复制命令',
    console: '前往控制台',
  },
};

export function welcomePage(state: WelcomeState, language: Language): string {
  const { states, button, console } = WORDS[language];
  const [title, more] = states[state];
  const form = state === 'open' ? `\n<form method="post"><button>${button}</button></form>${SENT_ONCE.tag}` : '';
  const onward = state === 'used' ? `\n${link(console)}` : '';
  return htmlPage(language, title, `<h1>${title}</h1>\n<p>${more}</p>${form}${onward}`);
}

interface FirstKey {
  readonly credential: string;
  /** Of this installation, without a slash at its end. */
  readonly publicUrl: string;
  /** Null: nothing that chats is sold now. */
  readonly modelId: string | null;
}

export function firstKeyPage({ credential, publicUrl, modelId }: FirstKey, language: Language): string {
  const words = WORDS[language];
  const [title, more] = words.states.made;
  const copy = (what: string, label: string) =>
    `<button type="button" class="second" aria-live="polite" data-copies="${what}" data-done="${words.copied}" data-refused="${words.notCopied}" hidden>${label}</button>`;
  const command =
    modelId === null
      ? ''
      : `<h2>${words.tryIt}</h2>
<pre><code id="command">${escaped(commandOf(credential, publicUrl, modelId))}</code></pre>
${copy('command', words.copyCommand)}`;
  return htmlPage(
    language,
    title,
    `<h1>${title}</h1>
<p>${more}</p>
<p><code id="key">${escaped(credential)}</code></p>
${copy('key', words.copyKey)}
${command}
${link(words.console)}
${COPIES.tag}`,
  );
}

function commandOf(credential: string, publicUrl: string, modelId: string): string {
  const body = JSON.stringify({ model: modelId, messages: [{ role: 'user', content: 'Say hello' }] });
  return [
    `curl ${publicUrl}/v1/chat/completions \\`,
    `  -H 'authorization: Bearer ${credential}' \\`,
    `  -H 'content-type: application/json' \\`,
    `  -d '${body}'`,
  ].join('\n');
}

/** The address of this page is the link that was mailed: it goes into nobody's log. */
function link(label: string): string {
  return `<p><a class="button" rel="noreferrer" href="${CONSOLE}">${label}</a></p>`;
}
