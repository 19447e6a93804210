// What a reviewer should look at twice in an application. Hints and no verdicts: each is a fact that he can check, none of them decides.
import type { ApplicationForm } from './application-form.ts';

export interface EarlierApplication {
  readonly id: string;
  readonly orgId: string;
  readonly company: string;
  readonly domain: string;
  readonly stage: string;
}

export interface RiskFacts {
  readonly orgId: string;
  readonly form: Pick<ApplicationForm, 'company' | 'domain' | 'contacts' | 'wantedTerms' | 'monthlyVolumeCents'>;
  /** Of any organization, this application not among them. */
  readonly earlier: readonly EarlierApplication[];
}

export type RiskHint =
  | { readonly kind: 'free_mail' | 'disposable_mail' | 'mail_of_another_domain'; readonly mailDomain: string }
  | {
      readonly kind: 'applied_before' | 'same_company_elsewhere';
      readonly applicationId: string;
      readonly stage: string;
    }
  /** More credit than it expects to use until its first invoices are due. */
  | { readonly kind: 'credit_beyond_volume'; readonly months: number };

const FREE_MAIL = new Set(
  `126.com 139.com 163.com aliyun.com aol.com foxmail.com gmail.com gmx.com gmx.de googlemail.com hotmail.com icloud.com live.com mail.com
   mail.ru me.com msn.com outlook.com pm.me proton.me protonmail.com qq.com sina.cn sina.com sohu.com web.de yahoo.com yandex.ru yeah.net`.split(
    /\s+/,
  ),
);
const DISPOSABLE_MAIL = new Set(
  `10minutemail.com discard.email dispostable.com fakeinbox.com getnada.com guerrillamail.com mailinator.com maildrop.cc mintemail.com
   mohmal.com sharklasers.com temp-mail.org tempmail.com throwawaymail.com trashmail.com yopmail.com`.split(/\s+/),
);
const USUAL_MONTHS_OF_CREDIT = 3;

/** Where anybody has an address who wants one. */
export function isPublicMail(mailDomain: string): boolean {
  return FREE_MAIL.has(mailDomain) || DISPOSABLE_MAIL.has(mailDomain);
}

export function riskHints({ orgId, form, earlier }: RiskFacts): RiskHint[] {
  const own = comparable(form);
  const mailDomains = [
    ...new Set(form.contacts.map(({ email }) => email.slice(email.lastIndexOf('@') + 1).toLowerCase())),
  ];
  return [
    ...mailDomains.flatMap((mailDomain) => hintsOfMail(mailDomain, own.domain)),
    ...earlier.flatMap((one) => hintsOfEarlier(one, orgId, own)),
    ...hintsOfCredit(form),
  ];
}

function hintsOfMail(mailDomain: string, domain: string): RiskHint[] {
  if (DISPOSABLE_MAIL.has(mailDomain)) return [{ kind: 'disposable_mail', mailDomain }];
  if (FREE_MAIL.has(mailDomain)) return [{ kind: 'free_mail', mailDomain }];
  const isOwn = mailDomain === domain || mailDomain.endsWith(`.${domain}`);
  return isOwn ? [] : [{ kind: 'mail_of_another_domain', mailDomain }];
}

function hintsOfEarlier(
  { id: applicationId, orgId, stage, ...named }: EarlierApplication,
  ownOrgId: string,
  own: Named,
): RiskHint[] {
  if (orgId === ownOrgId) return [{ kind: 'applied_before', applicationId, stage }];
  const { company, domain } = comparable(named);
  const isSame = domain === own.domain || company === own.company;
  return isSame ? [{ kind: 'same_company_elsewhere', applicationId, stage }] : [];
}

type Named = Pick<ApplicationForm, 'company' | 'domain'>;

/** "ACME, Inc." and "Acme inc" are one. */
export function comparable({ company, domain }: Named): Named {
  return { company: company.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, ''), domain: domain.toLowerCase() };
}

function hintsOfCredit({ wantedTerms, monthlyVolumeCents }: RiskFacts['form']): RiskHint[] {
  const { creditLineCents } = wantedTerms;
  if (creditLineCents <= monthlyVolumeCents * USUAL_MONTHS_OF_CREDIT) return [];
  return [{ kind: 'credit_beyond_volume', months: Math.floor(creditLineCents / Math.max(monthlyVolumeCents, 1)) }];
}
