// How the content of a mail looks, as text and as HTML. Styles stand at their elements and nothing is loaded: that is what mail
// programs show. Every word that is put in is escaped, so a customer's name is a name and never markup.
import type { MailContent } from './content.ts';
import type { Locale } from './kinds.ts';

const FOOT: Readonly<Record<Locale, (organization: string | null) => string>> = {
  en: (organization) =>
    `${organization === null ? 'This message is from Tollgate.' : `This message is about ${organization} at Tollgate.`} All times are in UTC.`,
  zh: (organization) =>
    organization === null
      ? '本邮件由 Tollgate 发送，文中时间均为 UTC。'
      : `本邮件与 Tollgate 上的“${organization}”有关，文中时间均为 UTC。`,
};

export function textOf(content: MailContent, locale: Locale, organization: string | null): string {
  const colon = locale === 'zh' ? '：' : ': ';
  const details = content.details.map(([label, value]) => `${label}${colon}${value}`).join('\n');
  const parts = [
    content.opening,
    ...(details === '' ? [] : [details]),
    ...content.next,
    `${content.action.label}${colon}${locale === 'zh' ? '\n' : ''}${content.action.url}`,
    `--\n${FOOT[locale](organization)}`,
  ];
  return `${parts.join('\n\n')}\n`;
}

const FONT = "font-family:-apple-system,'Segoe UI','PingFang SC','Microsoft YaHei',Arial,sans-serif";
const QUIET = 'color:#5b6470';
const BUTTON =
  'display:inline-block;padding:10px 18px;border-radius:6px;background:#1f4fd8;color:#ffffff;text-decoration:none;font-weight:600';

export function htmlOf(content: MailContent, locale: Locale, organization: string | null): string {
  const rows = content.details.map(
    ([label, value]) =>
      `<tr><td style="padding:4px 16px 4px 0;vertical-align:top;white-space:nowrap;${QUIET}">${escaped(label)}</td>` +
      `<td style="padding:4px 0">${escaped(value)}</td></tr>`,
  );
  const table =
    rows.length === 0
      ? ''
      : `<table role="presentation" style="border-collapse:collapse;margin:0 0 16px">\n${rows.join('\n')}\n</table>\n`;
  const paragraph = (text: string) => `<p style="margin:0 0 16px">${escaped(text)}</p>\n`;
  return `<!DOCTYPE html>
<html lang="${locale === 'zh' ? 'zh-CN' : 'en'}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(content.subject)}</title></head>
<body style="margin:0;padding:24px 16px;background:#f4f5f7;color:#1b2027;font-size:15px;line-height:1.6;${FONT}">
<div style="max-width:560px;margin:0 auto;padding:28px;background:#ffffff;border-radius:8px">
<p style="margin:0 0 20px;font-weight:600;${QUIET}">Tollgate</p>
<h1 style="margin:0 0 16px;font-size:20px;line-height:1.35">${escaped(content.subject)}</h1>
${paragraph(content.opening)}${table}${content.next.map(paragraph).join('')}<p style="margin:24px 0"><a href="${escaped(content.action.url)}" style="${BUTTON}">${escaped(content.action.label)}</a></p>
<p style="margin:0;padding-top:16px;border-top:1px solid #e3e6ea;font-size:13px;${QUIET}">${escaped(FOOT[locale](organization))}</p>
</div>
</body>
</html>
`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
