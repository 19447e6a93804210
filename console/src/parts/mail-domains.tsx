// For which mail domains an enterprise's provider may speak: our staff says so, once it has made sure whose they are.
import { TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { api } from '../api/client.ts';
import { singleSignOnQuery } from '../api/organization-questions.ts';
import { customerKey, useMay } from '../api/staff-questions.ts';
import { useWords } from '../messages/language.ts';
import { Act } from './act.tsx';
import { Asked } from './asked.tsx';
import { Moment } from './moment.tsx';

export function MailDomains({ orgId }: { readonly orgId: string }) {
  const t = useWords();
  const mayConfirm = useMay()('mail_domain.confirm');
  return (
    <section className="part" aria-labelledby="mail-domains">
      <h2 id="mail-domains">{t('mailDomains.title')}</h2>
      <p className="quiet">{t('mailDomains.lead')}</p>
      <Asked question={useQuery(singleSignOnQuery(orgId))} height={80}>
        {({ mailDomains, suggestedDomain, issuer, enforced }) => (
          <>
            <p className="quiet">
              {issuer === null
                ? t('mailDomains.noProvider')
                : t(`mailDomains.provider.${enforced ? 'enforced' : 'offered'}`, { issuer })}
            </p>
            <ul className="sessions">
              {mailDomains.map(({ domain, confirmedAt }) => (
                <li key={domain}>
                  <div>
                    <p>{domain}</p>
                    <p className="quiet">
                      {t('mailDomains.since')} <Moment at={confirmedAt} />
                    </p>
                  </div>
                  {mayConfirm ? <TakeBack orgId={orgId} domain={domain} /> : null}
                </li>
              ))}
            </ul>
            {mayConfirm ? <Confirm key={suggestedDomain} orgId={orgId} suggested={suggestedDomain ?? ''} /> : null}
          </>
        )}
      </Asked>
    </section>
  );
}

function Confirm({ orgId, suggested }: { readonly orgId: string; readonly suggested: string }) {
  const t = useWords();
  return (
    <Act
      about={customerKey(orgId)}
      verb={t('mailDomains.confirm')}
      title={t('mailDomains.confirm')}
      effect={t('mailDomains.confirmMore')}
      initial={{ domain: suggested }}
      check={({ domain }) => ({ domain: /^[^\s@/]+\.[^\s@/]+$/.test(domain.trim()) ? null : t('fields.mailDomain') })}
      fields={(input) => (
        <TextInput {...input('domain')} label={t('mailDomains.domain')} autoComplete="off" data-autofocus />
      )}
      send={({ domain, reason }, attemptId) =>
        api.POST('/api/v1/organizations/{orgId}/mail-domains', {
          params: { path: { orgId }, header: { 'Idempotency-Key': attemptId } },
          body: { domain: domain.trim(), reason },
        })
      }
    />
  );
}

function TakeBack({ orgId, domain }: { readonly orgId: string; readonly domain: string }) {
  const t = useWords();
  return (
    <Act
      about={customerKey(orgId)}
      verb={t('mailDomains.takeBack')}
      name={t('mailDomains.takeBackOne', { domain })}
      title={t('mailDomains.takeBackOne', { domain })}
      effect={t('mailDomains.takeBackMore')}
      isGrave
      initial={{}}
      send={({ reason }, attemptId) =>
        api.POST('/api/v1/organizations/{orgId}/mail-domains/{domain}/take-back', {
          params: { path: { orgId, domain }, header: { 'Idempotency-Key': attemptId } },
          body: { reason },
        })
      }
    />
  );
}
