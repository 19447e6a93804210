// What an enterprise applies with, and what is agreed with it, to be read.
import type { Application, EnterpriseTerms } from '../api/questions.ts';
import { spokenTag, useWords } from '../messages/language.ts';
import { nanoOfCents, shownShare } from '../money.ts';
import { Fact } from './fact.tsx';
import { Money } from './money.tsx';

interface ApplicationFacts {
  readonly form: Application['form'];
  /** Whose words stand before what was entered: the applicant's own, or those of us who read what he handed in. */
  readonly words: 'application' | 'handedIn';
}

export function ApplicationFacts({ form, words }: ApplicationFacts) {
  const t = useWords();
  const { company, domain, useCase, monthlyVolumeCents, wantedTerms, residency, contacts = [] } = form;
  return (
    <dl className="facts">
      <Fact name={t(`${words}.company`)}>{company}</Fact>
      <Fact name={t(`${words}.domain`)}>{domain}</Fact>
      <Fact name={t(`${words}.residency`)}>
        {residency === undefined ? null : t(`application.residencies.${residency}`)}
      </Fact>
      <Fact name={t(`${words}.useCase`)}>{useCase}</Fact>
      <Fact name={t(`${words}.volume`)}>
        {monthlyVolumeCents === undefined ? null : <Money nano={nanoOfCents(monthlyVolumeCents)} />}
      </Fact>
      <Fact name={t(`${words}.creditLine`)}>{wantedTerms === undefined ? null : <Line {...wantedTerms} />}</Fact>
      <Fact name={t(`${words}.note`)}>{wantedTerms?.note}</Fact>
      <Fact name={t(`${words}.contacts`)}>
        {contacts.length === 0 ? null : (
          <ul className="bounds">
            {contacts.map(({ name, email }) => (
              <li key={`${name} ${email}`}>
                {name} · {email}
              </li>
            ))}
          </ul>
        )}
      </Fact>
    </dl>
  );
}

export function TermsFacts({ terms }: { readonly terms: EnterpriseTerms }) {
  const t = useWords();
  const { priceOfListPpm, monthlyBudgetCents, allowedAddresses } = terms;
  return (
    <dl className="facts">
      <Fact name={t('application.price')}>{shownShare(priceOfListPpm, spokenTag())}</Fact>
      <Fact name={t('application.creditLine')}>
        <Line {...terms} />
      </Fact>
      <Fact name={t('application.budget')}>
        {monthlyBudgetCents === null ? t('application.noBudget') : <Money nano={nanoOfCents(monthlyBudgetCents)} />}
      </Fact>
      <Fact name={t('application.addresses')}>
        {allowedAddresses.length === 0 ? t('application.anywhere') : allowedAddresses.join(', ')}
      </Fact>
    </dl>
  );
}

function Line({ creditLineCents, netDays }: Pick<EnterpriseTerms, 'creditLineCents' | 'netDays'>) {
  const t = useWords();
  if (creditLineCents === 0) return t('application.inAdvance');
  return (
    <>
      <Money nano={nanoOfCents(creditLineCents)} />, {t('application.paidWithin', { count: netDays })}
    </>
  );
}
