// Credit by where it came from, in the order in which it is spent, with what is left of it and until when.
import { Table } from '@mantine/core';
import type { Grant } from '../api/questions.ts';
import { useWords } from '../messages/language.ts';
import { BuyCredit } from './buy-credit.tsx';
import { Moment } from './moment.tsx';
import { Money } from './money.tsx';
import { NothingYet } from './nothing-yet.tsx';
import { WideTable } from './wide-table.tsx';

export function GrantTable({ orgId, grants }: { readonly orgId: string; readonly grants: readonly Grant[] }) {
  const t = useWords();
  const live = grants.filter(({ expired, availableNano }) => !expired && BigInt(availableNano) > 0n).sort(inOrderOfUse);
  if (live.length === 0) {
    const isNew = grants.length === 0;
    return (
      <NothingYet title={t(isNew ? 'grants.neverAny' : 'grants.none')} action={<BuyCredit orgId={orgId} />}>
        {t(isNew ? 'grants.neverAnyMore' : 'grants.noneMore')}
      </NothingYet>
    );
  }
  return (
    <WideTable label={t('overview.credit')} minWidth={420}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{t('grants.source')}</Table.Th>
          <Table.Th className="number">{t('grants.left')}</Table.Th>
          <Table.Th className="number">{t('grants.of')}</Table.Th>
          <Table.Th>{t('grants.expires')}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {live.map((grant) => (
          <Table.Tr key={grant.id}>
            <Table.Td>{t(`grants.from.${grant.source}`)}</Table.Td>
            <Table.Td className="number">
              <Money nano={grant.availableNano} />
            </Table.Td>
            <Table.Td className="number">
              <Money nano={grant.amountNano} />
            </Table.Td>
            <Table.Td>{grant.expiresAt === null ? t('grants.never') : <Moment at={grant.expiresAt} />}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </WideTable>
  );
}

/** As the ledger draws on them: by priority, of one priority what expires first. */
function inOrderOfUse(a: Grant, b: Grant): number {
  return a.priority - b.priority || (a.expiresAt ?? '9').localeCompare(b.expiresAt ?? '9');
}
