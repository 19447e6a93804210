// Who belongs to a customer, and the keys that are in use there. Of a key there is no more to see than it tells itself.
import { Badge, Table } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { everMembersQuery } from '../api/organization-questions.ts';
import { keysQuery } from '../api/questions.ts';
import { useMay } from '../api/staff-questions.ts';
import { useWords } from '../messages/language.ts';
import { Asked } from './asked.tsx';
import { KeySwitch } from './key-switch.tsx';
import { KeyState } from './key-table.tsx';
import { Moment } from './moment.tsx';
import { Older } from './older.tsx';
import { WideTable } from './wide-table.tsx';

interface OfOrganization {
  readonly orgId: string;
}

export function CustomerMembers({ orgId }: OfOrganization) {
  const t = useWords();
  const question = useInfiniteQuery(everMembersQuery(orgId));
  return (
    <section className="part" aria-labelledby="members">
      <h2 id="members">{t('customer.members')}</h2>
      <Asked question={question} height={80}>
        {({ pages }) =>
          pages[0]?.data.length === 0 ? (
            <p className="quiet">{t('customer.noMembers')}</p>
          ) : (
            <WideTable label={t('customer.members')} minWidth={520}>
              <Table.Tbody>
                {linesOf(pages).map(({ personId, name, email, role, status }) => (
                  <Table.Tr key={personId} data-off={status !== 'active'}>
                    <Table.Td className="key-name">{name}</Table.Td>
                    <Table.Td className="model-name">{email}</Table.Td>
                    <Table.Td>{t(`join.role.${role}`)}</Table.Td>
                    <Table.Td>
                      {status === 'active' ? null : <Badge color="gray">{t(`customer.member.${status}`)}</Badge>}
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </WideTable>
          )
        }
      </Asked>
      <Older list={question} />
    </section>
  );
}

function linesOf<T>(pages: readonly { readonly data: readonly T[] }[]): T[] {
  return pages.flatMap(({ data }) => data);
}

export function CustomerKeys({ orgId }: OfOrganization) {
  const t = useWords();
  const may = useMay();
  const question = useInfiniteQuery(keysQuery(orgId));
  return (
    <section className="part" aria-labelledby="keys">
      <h2 id="keys">{t('keys.title')}</h2>
      <Asked question={question} height={80}>
        {({ pages }) =>
          pages[0]?.data.length === 0 ? (
            <p className="quiet">{t('keys.none')}</p>
          ) : (
            <WideTable label={t('keys.title')} minWidth={520}>
              <Table.Tbody>
                {linesOf(pages).map((apiKey) => (
                  <Table.Tr key={apiKey.id} data-off={apiKey.disabledAt !== null}>
                    <Table.Td className="key-name">
                      {apiKey.name} <KeyState apiKey={apiKey} />
                    </Table.Td>
                    <Table.Td>
                      <code className="key-shape">
                        {apiKey.prefix}…{apiKey.lastFour}
                      </code>
                    </Table.Td>
                    <Table.Td>
                      <Moment at={apiKey.createdAt} />
                    </Table.Td>
                    <Table.Td className="row-actions">
                      {may('api_key.change') ? <KeySwitch orgId={orgId} apiKey={apiKey} /> : null}
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </WideTable>
          )
        }
      </Asked>
      <Older list={question} />
    </section>
  );
}
