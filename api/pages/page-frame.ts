// What the pages for people have in common: HTML that needs no script, so they work in whatever opens a link from a mail. Whatever is not a
// text of ours is escaped.
import { createHash } from 'node:crypto';
import type { Language } from './pay-words.ts';

const STYLE = `
:root{color-scheme:light dark}body{font:17px/1.5 system-ui,sans-serif;max-width:30rem;margin:0 auto;padding:1.5rem 1rem}
h1{font-size:1.4rem;margin:0 0 .5rem}.amount{font-size:2rem;font-weight:600;margin:.2rem 0}.quiet{opacity:.75;margin:.2rem 0}
.note{border-left:.25rem solid #c60;padding:.4rem .8rem;margin:1.2rem 0}form{margin:1rem 0}
button,.button{box-sizing:border-box;display:block;width:100%;font:inherit;padding:.8rem;margin:.6rem 0;border:1px solid #1a5fb4;border-radius:.5rem;
background:#1a5fb4;color:#fff;text-align:center;text-decoration:none;cursor:pointer}button.second{background:none;color:inherit;border-color:currentColor}
dl{display:grid;grid-template-columns:auto 1fr;gap:.2rem 1rem;margin:1rem 0}dt{opacity:.75}dd{margin:0;overflow-wrap:anywhere}h2{font-size:1rem;margin:1.5rem 0 .2rem}
address{font-style:normal}table{width:100%;border-collapse:collapse;margin:1.5rem 0}td,th{padding:.4rem 0;text-align:left;vertical-align:top;border-bottom:1px solid #8888}
code{overflow-wrap:anywhere}pre{white-space:pre-wrap;border:1px solid #8888;border-radius:.5rem;padding:.8rem;font-size:.85rem;line-height:1.4}
td+td,th+th{text-align:right;white-space:nowrap;padding-left:1rem;font-variant-numeric:tabular-nums}
@media print{@page{margin:2cm}body{max-width:none;padding:0;font-size:11pt;color:#000;background:none}}`;
const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

interface PageScript {
  readonly tag: string;
  readonly hash: string;
}

function pageScript(code: string): PageScript {
  return { tag: `<script>${code}</script>`, hash: createHash('sha256').update(code).digest('base64') };
}

/** Where a form must not be sent twice: a browser shows the answer to the second click, and what came of the first is lost (D119). */
export const SENT_ONCE = pageScript(
  `let sent=false;addEventListener('pageshow',()=>{sent=false});addEventListener('submit',(event)=>{if(sent)event.preventDefault();sent=true})`,
);

/**
 * After the buttons that copy: they are hidden where no script may, and what they copy stands there to be marked by hand. Where the browser refuses, it
 * is marked for him. A button says what came of it and goes back to what it does.
 */
export const COPIES = pageScript(
  `if(navigator.clipboard)for(const button of document.querySelectorAll('[data-copies]')){const {copies,done,refused}=button.dataset,label=button.textContent;let back;const says=(text)=>{button.textContent=text;clearTimeout(back);back=setTimeout(()=>{button.textContent=label},4000)};button.hidden=false;button.addEventListener('click',async()=>{const text=document.getElementById(copies);try{await navigator.clipboard.writeText(text.textContent);says(done)}catch{getSelection().selectAllChildren(text);says(refused)}})}`,
);

/** Nothing may be loaded, and forms lead to us alone, or where the page says that they may lead on to. */
export function pageHeaders(formsLeadTo = ''): Record<string, string> {
  return {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; form-action ${`'self' ${formsLeadTo}`.trim()}; frame-ancestors 'none'; base-uri 'none'`,
    'x-frame-options': 'DENY',
    'x-robots-tag': 'noindex',
    vary: 'accept-language',
  };
}

/** Of a page that has this script: it runs, and no other. */
export function headersOf({ hash }: PageScript): Record<string, string> {
  const { 'content-security-policy': policy = '', ...others } = pageHeaders();
  return { ...others, 'content-security-policy': `${policy}; script-src 'sha256-${hash}'` };
}

export function htmlPage(language: Language, title: string, body: string, looksAgain = false): string {
  const refresh = looksAgain ? '<meta http-equiv="refresh" content="5">' : '';
  return `<!doctype html>
<html lang="${language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">${refresh}
<title>${title} - Tollgate</title><style>${STYLE}</style></head>
<body><main>
${body}
</main></body></html>
`;
}

export function note(text: string): string {
  return `<p class="note" role="alert">${escaped(text)}</p>`;
}

export function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
