// The sub-accounts of an enterprise, and what each pays. Below a price that one person may agree on it takes two: the words say which, and the API
// decides.
import { Table, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { api } from '../api/client.ts';
import { type Project, projectsQuery } from '../api/organization-questions.ts';
import { contractQuery, customerKey, useMay } from '../api/staff-questions.ts';
import { spokenTag, useWords, type Words } from '../messages/language.ts';
import { shownShare } from '../money.ts';
import { percentOf, ppmOfPercent } from '../terms-entries.ts';
import { Act } from './act.tsx';
import { Asked } from './asked.tsx';
import { WideTable } from './wide-table.tsx';

export function CustomerSubAccounts({ orgId }: { readonly orgId: string }) {
  const t = useWords();
  const may = useMay();
  return (
    <section className="part" aria-labelledby="sub-accounts">
      <h2 id="sub-accounts">{t('customer.subAccounts')}</h2>
      <Asked question={useQuery(projectsQuery(orgId))} height={80}>
        {({ data }) => (
          <WideTable label={t('customer.subAccounts')} minWidth={520}>
            <Table.Tbody>
              {data.map((project) => (
                <Table.Tr key={project.id}>
                  <Table.Td className="key-name">{project.name}</Table.Td>
                  <Table.Td>
                    <Price project={project} />
                  </Table.Td>
                  <Table.Td className="row-actions">
                    {may('contract.change') ? <AgreeOnPrice project={project} /> : null}
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </WideTable>
        )}
      </Asked>
    </section>
  );
}

interface OfProject {
  readonly project: Project;
}

function Price({ project: { priceOfListPpm, costsOfListPpm } }: OfProject) {
  const t = useWords();
  const share = shownShare(costsOfListPpm, spokenTag());
  return priceOfListPpm === null ? t('customer.pricedAsAll', { share }) : t('customer.pricedAlone', { share });
}

function AgreeOnPrice({ project: { id, orgId, name, priceOfListPpm, version } }: OfProject) {
  const t = useWords();
  const mostPpm = useQuery(contractQuery(orgId)).data?.priceOfListPpm ?? null;
  return (
    <Act
      about={customerKey(orgId)}
      verb={t('act.price.verb')}
      name={t('act.price.of', { name })}
      title={t('act.price.title', { name })}
      effect={t('act.price.effect')}
      two={t('act.price.two')}
      initial={{ priceOfListPpm: percentOf(priceOfListPpm) }}
      check={({ priceOfListPpm: entered }) => ({ priceOfListPpm: wrongIn(entered, mostPpm, t) })}
      fields={(input) => (
        <TextInput
          {...input('priceOfListPpm')}
          label={t('act.price.share')}
          description={t('act.price.shareMore')}
          inputMode="decimal"
          autoComplete="off"
          data-autofocus
        />
      )}
      send={({ priceOfListPpm: entered, reason }, attemptId) =>
        api.POST('/api/v1/projects/{id}/prices', {
          params: { path: { id }, header: { 'If-Match': `"${version}"`, 'Idempotency-Key': attemptId } },
          body: { priceOfListPpm: ppmOfPercent(entered), reason },
        })
      }
    />
  );
}

/** Before a second person is troubled with it. Null: nothing. */
function wrongIn(entered: string, mostPpm: number | null, t: Words): string | null {
  if (entered.trim() === '') return null;
  const ppm = ppmOfPercent(entered);
  if (ppm === null) return t('terms.wrong.percent');
  return mostPpm !== null && ppm > mostPpm ? t('act.price.tooMuch', { share: shownShare(mostPpm, spokenTag()) }) : null;
}
