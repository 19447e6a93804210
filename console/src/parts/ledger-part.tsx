// Every movement of the credit, newest first, with what there was after it: whoever adds it up arrives at what he has.
import { Table } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { type LedgerLine, ledgerQuery } from '../api/organization-questions.ts';
import { useWords } from '../messages/language.ts';
import { Moment } from './moment.tsx';
import { Money } from './money.tsx';
import { PagedPart } from './paged-part.tsx';
import { WideTable } from './wide-table.tsx';

export function LedgerPart({ orgId }: { readonly orgId: string }) {
  const t = useWords();
  const question = useInfiniteQuery(ledgerQuery(orgId));
  return (
    <PagedPart
      id="ledger"
      title={t('ledger.title')}
      lead={t('ledger.lead')}
      question={question}
      height={220}
      none={{ title: t('ledger.none'), more: t('ledger.noneMore') }}
    >
      {(lines) => <LedgerTable lines={lines} />}
    </PagedPart>
  );
}

function LedgerTable({ lines }: { readonly lines: readonly LedgerLine[] }) {
  const t = useWords();
  return (
    <WideTable label={t('ledger.title')} minWidth={560}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{t('billing.when')}</Table.Th>
          <Table.Th>{t('billing.what')}</Table.Th>
          <Table.Th className="number">{t('billing.amount')}</Table.Th>
          <Table.Th className="number">{t('ledger.after')}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {lines.map((line) => (
          <Table.Tr key={line.id}>
            <Table.Td>
              <Moment at={line.at} />
            </Table.Td>
            <Table.Td>
              <What line={line} />
            </Table.Td>
            <Table.Td className="number" data-in={!line.amountNano.startsWith('-')}>
              <Money nano={line.amountNano} />
            </Table.Td>
            <Table.Td className="number">
              <Money nano={line.balanceAfterNano} />
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </WideTable>
  );
}

function What({ line: { kind, grantSource, belongsTo } }: { readonly line: LedgerLine }) {
  const t = useWords();
  return (
    <>
      {t(`ledger.kind.${kind}`)}
      {grantSource === null ? null : `: ${t(`grants.from.${grantSource}`)}`}
      {belongsTo?.kind === 'request' ? <code className="line-of">{belongsTo.id}</code> : null}
    </>
  );
}
