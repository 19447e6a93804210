// Every mail of the closed list, in both languages and each of its wordings: no fact is left out, none is missing, and nothing that a
// customer calls himself becomes markup.
import { expect, test } from '@jest/globals';
import { LOCALES, type Locale, MAILS, type MailKind } from '../../../services/notifications/mails/kinds.ts';
import { PHRASES } from '../../../services/notifications/mails/phrases.ts';
import { type RenderedMail, renderMail } from '../../../services/notifications/mails/render.ts';
import { SAMPLES } from './sample-facts.ts';

const SITE = {
  accountUrl: 'https://tollgate.example/console/',
  applicationUrl: (orgId: string) => `https://tollgate.example/console/o/${orgId}/enterprise`,
  reviewUrl: (applicationId: string) => `https://tollgate.example/console/staff/applications/${applicationId}`,
  staffKeysUrl: 'https://tollgate.example/console/staff/keys',
  runbookUrl: 'https://tollgate.example/runbook',
  verifyUrl: (verificationId: string) => `https://tollgate.example/verify/${verificationId}`,
  invitationUrl: (id: string) => `https://tollgate.example/console/join/${id}`,
  resetUrl: (resetId: string) => `https://tollgate.example/console/password-reset#${resetId}`,
  identityLinkUrl: (linkId: string) => `https://tollgate.example/console/connect#${linkId}`,
  teamUrl: (orgId: string) => `https://tollgate.example/console/o/${orgId}/team`,
  keysUrl: (orgId: string) => `https://tollgate.example/console/o/${orgId}/keys`,
  mailBackUrl: (mailChangeId: string) => `https://tollgate.example/console/mail-back#${mailChangeId}`,
  reopenUrl: (closingId: string) => `https://tollgate.example/console/reopen#${closingId}`,
  mailChangeCode: () => '004217',
  signUpCode: () => '004217',
  welcomeUrl: (welcomeId: string) => `https://tollgate.example/welcome/${welcomeId}`,
  payUrl: (invoiceId: string) => `https://tollgate.example/pay/${invoiceId}`,
};
const CONTEXT = { ...SITE, orgId: 'o-1', organization: 'Acme' };

const KINDS = Object.keys(MAILS) as MailKind[];
const EVERY_WORDING = KINDS.flatMap((kind) =>
  SAMPLES[kind].flatMap((facts, at) => LOCALES.map((locale) => [kind, at, locale, facts] as const)),
);

/** As they must be read: moments and months, amounts, and what stands for itself. */
function sayings(facts: object, locale: Locale, currency = 'usd'): string[] {
  const say = PHRASES[locale];
  return Object.entries(facts).flatMap(([name, value]: [string, unknown]) => {
    if (typeof value === 'object' && value !== null) return sayings(value, locale, currency);
    if (value === null || (value === 0 && /^(credit|bonus|creditLine)Cents$/.test(name))) return [];
    if (name.endsWith('Ppm')) return [say.share(Number(value))];
    if (name.endsWith('Cents')) return [say.money(Number(value), currency)];
    if (typeof value !== 'string' || name === 'personId') return [];
    if (name === 'expires') return [say.month(value)];
    if (/^\d{4}-\d{2}-\d{2}T/.test(value)) return [say.day(value)];
    return /Url$|LastFour$|^invoice$|^workflowId$/.test(name) ? [value] : [];
  });
}

function linksIn({ html, text }: RenderedMail): string[][] {
  return [
    [...html.matchAll(/href="([^"]*)"/g)].map(([, url = '']) => url),
    [...text.matchAll(/https?:\/\/\S+/g)].map(([url]) => url),
  ];
}

test.each(EVERY_WORDING)(
  '%s %i in %s says every fact, leads to one place, and misses nothing',
  (kind, _at, locale, facts) => {
    const mail = renderMail(kind, facts, locale, CONTEXT);

    for (const part of [mail.subject, mail.text, mail.html]) {
      expect(part).not.toMatch(/undefined|\bnull\b|NaN|Invalid|\[object|\$\{/);
    }
    for (const part of [mail.text, mail.html]) {
      for (const saying of [...sayings(facts, locale), 'Acme']) expect(part).toContain(saying);
    }
    const [inHtml = [], inText = []] = linksIn(mail);
    expect([inHtml.length, inText]).toEqual([1, inHtml]);
    expect(mail.subject.length).toBeLessThan(100);
  },
);

test.each(EVERY_WORDING.filter(([, , locale]) => locale === 'zh'))(
  '%s %i in zh is Chinese throughout',
  (kind, _at, locale, facts) => {
    const mail = renderMail(kind, facts, locale, { ...CONTEXT, organization: '上海某某科技' });

    const prose = mail.text.replaceAll(/https?:\/\/\S+/g, '');
    expect(mail.subject).toMatch(/\p{Script=Han}/u);
    expect(prose).not.toMatch(/[A-Za-z]+ [a-z]+ [a-z]+/);
    expect(prose).not.toMatch(/\p{Script=Han}[,.!?;]/u);
  },
);

test('every moment is named with its zone, in either language', () => {
  const moments = LOCALES.map((locale) => PHRASES[locale].moment('2026-12-01T10:05:00.000Z'));

  expect(moments).toEqual(['December 1, 2026, 10:05 UTC', '2026年12月1日 10:05（UTC）']);
});

test.each(LOCALES)('what a bank suspects is in no mail (%s)', (locale) => {
  const [mail, topUp] = [
    renderMail('payment_declined', SAMPLES.payment_declined[3], locale, CONTEXT),
    renderMail('top_up_declined', SAMPLES.top_up_declined[1], locale, CONTEXT),
  ];

  for (const { subject, text } of [mail, topUp]) {
    expect(subject + text).not.toMatch(/stolen|lost|fraud|suspic|bank|被盗|遗失|欺诈|可疑|您的银行/i);
  }
});

test.each(LOCALES)('a name that looks like markup is shown as it is written (%s)', (locale) => {
  const organization = `<img src=x onerror="steal()"> & 'Söhne'`;
  const mail = renderMail('stop_decision', SAMPLES.stop_decision[0], locale, { ...CONTEXT, organization });

  expect(mail.html).not.toContain('<img');
  expect(mail.html).toContain('&lt;img src=x onerror=&quot;steal()&quot;&gt; &amp; &#39;Söhne&#39;');
  expect([mail.subject, mail.text]).toEqual([
    expect.stringContaining(organization),
    expect.stringContaining(organization),
  ]);
});

test('facts of another kind, or of a release that knew fewer, make no mail at all', () => {
  const { invoiceId: _, ...withoutLink } = SAMPLES.limit_warning[0] ?? {};

  expect(() => renderMail('limit_warning', withoutLink, 'en', CONTEXT)).toThrow('invoiceId');
  expect(() => renderMail('cancelled', SAMPLES.paused[0], 'en', CONTEXT)).toThrow('endsAt');
});

test.each(LOCALES)('a mail about a person and no organization says from whom it is, in %s', (locale) => {
  const mail = renderMail('verification', SAMPLES.verification[0], locale, {
    ...SITE,
    orgId: null,
    organization: null,
  });

  for (const part of [mail.text, mail.html]) {
    expect(part).toContain('Tollgate');
    expect(part).not.toMatch(/null|undefined/);
  }
});

test.each(['application_received', 'application_question', 'application_rejected', 'application_expired'] as const)(
  'the link of %s leads to the application',
  (kind) => {
    expect(renderMail(kind, SAMPLES[kind][0], 'en', CONTEXT).text).toContain(CONTEXT.applicationUrl('o-1'));
  },
);
