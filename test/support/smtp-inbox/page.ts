// The pages of the inbox: all mails, newest first, and one mail with its text, its HTML and its headers. They run no script and
// load nothing; a mail's HTML stands in a sandbox, and only its links lead out of it.
import { type Markup, markup } from './markup.ts';
import type { ReadMail } from './read-mail.ts';

export const CONTENT_SECURITY_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'";

export function listPage(mails: readonly ReadMail[], to: string | null): string {
  const whose = to === null ? markup`` : markup` to ${to} · <a href="/">all</a>`;
  const rows = mails.toReversed().map(rowOf);
  const table = markup`<table><thead><tr><th>When</th><th>To</th><th>Subject</th></tr></thead><tbody>${rows}</tbody></table>`;
  const body = rows.length === 0 ? markup`<p class="none">No mail yet.</p>` : table;
  return page(
    'Inbox',
    markup`<h1>Inbox</h1><p>${mails.length === 1 ? '1 mail' : `${mails.length} mails`}${whose}</p>${body}`,
  );
}

function rowOf({ id, at, to, subject }: ReadMail): Markup {
  return markup`<tr><td><time datetime="${at}">${clock(at)}</time></td><td>${to.map(recipient)}</td>
<td><a href="/mails/${id}">${subject === '' ? '(no subject)' : subject}</a></td></tr>`;
}

function recipient(address: string): Markup {
  return markup`<a class="to" href="/?to=${encodeURIComponent(address)}">${address}</a> `;
}

export function mailPage({ at, from, to, subject, headers, text, html }: ReadMail): string {
  const parts = [
    html === null ? markup`` : markup`<h2>HTML</h2>${sandboxed(html)}`,
    text === null ? markup`` : markup`<h2>Text</h2><pre>${text}</pre>`,
    markup`<h2>Headers</h2><table class="headers"><tbody>${headers.map(headerRow)}</tbody></table>`,
  ];
  const envelope = markup`<p><time datetime="${at}">${clock(at)}</time> · from ${from} · to ${to.map(recipient)}</p>`;
  return page(subject, markup`<p><a href="/">← Inbox</a></p><h1>${subject}</h1>${envelope}${parts}`);
}

function headerRow({ name, value }: ReadMail['headers'][number]): Markup {
  return markup`<tr><th>${name}</th><td>${value}</td></tr>`;
}

/** No script, no form, no frame of a higher origin. Links open elsewhere, as in a mail program. */
function sandboxed(html: string): Markup {
  const permissions = 'allow-popups allow-popups-to-escape-sandbox';
  return markup`<iframe title="The mail as HTML" sandbox="${permissions}" srcdoc="${`<base target="_blank">${html}`}"></iframe>`;
}

/** 2026-11-29 06:45:08 UTC */
function clock(at: string): string {
  return `${at.slice(0, 19).replace('T', ' ')} UTC`;
}

const STYLE = `
:root { color-scheme: light dark; --quiet: light-dark(#5c6370, #9aa2af); --line: light-dark(#dfe2e7, #33373e); }
body { max-width: 62rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1rem; margin: 2rem 0 .5rem; }
p, time, .to, th { color: var(--quiet); }
p { margin: 0 0 1rem; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: .5rem .75rem .5rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { font-weight: 500; white-space: nowrap; }
td:first-child { white-space: nowrap; }
.headers td { font-family: ui-monospace, monospace; font-size: .85rem; overflow-wrap: anywhere; white-space: normal; }
pre { padding: 1rem; border: 1px solid var(--line); border-radius: .375rem; white-space: pre-wrap; overflow-wrap: anywhere; }
iframe { box-sizing: border-box; width: 100%; height: 32rem; border: 1px solid var(--line); border-radius: .375rem; background: #fff; }
`;

function page(title: string, body: Markup): string {
  return markup`<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><style>${STYLE}</style></head>
<body>${body}</body>
</html>
`.text;
}
