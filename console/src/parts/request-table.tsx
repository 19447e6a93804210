// The last requests: which model, how it ended, what it cost.
import { Badge, Table } from '@mantine/core';
import i18next from 'i18next';
import type { RequestLine } from '../api/questions.ts';
import { type Messages, spokenTag, useWords } from '../messages/language.ts';
import { Moment } from './moment.tsx';
import { Money } from './money.tsx';
import { WideTable } from './wide-table.tsx';

export function RequestTable({ requests }: { readonly requests: readonly RequestLine[] }) {
  const t = useWords();
  return (
    <WideTable label={t('overview.requests')} minWidth={520}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{t('requests.when')}</Table.Th>
          <Table.Th>{t('requests.model')}</Table.Th>
          <Table.Th>{t('requests.outcome')}</Table.Th>
          <Table.Th className="number">{t('requests.tokens')}</Table.Th>
          <Table.Th className="number">{t('requests.charge')}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {requests.map((request) => (
          <Table.Tr key={request.id}>
            <Table.Td>
              <Moment at={request.admittedAt} />
            </Table.Td>
            <Table.Td className="model-name">{request.model}</Table.Td>
            <Table.Td>
              <Outcome outcome={request.outcome} />
            </Table.Td>
            <Table.Td className="number">
              <span className="figure">{new Intl.NumberFormat(spokenTag()).format(allTokens(request))}</span>
            </Table.Td>
            <Table.Td className="number">
              <Money nano={request.chargeNano} />
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </WideTable>
  );
}

export function Outcome({ outcome }: Pick<RequestLine, 'outcome'>) {
  const t = useWords();
  const isComplete = outcome === 'complete';
  return (
    <Badge variant="light" color={isComplete ? 'teal' : 'gray'}>
      {isEnding(outcome) ? t(`requests.ended.${outcome}`) : outcome}
    </Badge>
  );
}

type Ending = keyof Messages['requests']['ended'];

function isEnding(outcome: string): outcome is Ending {
  return i18next.exists(`requests.ended.${outcome}`);
}

function allTokens({ tokens }: RequestLine): number {
  return Object.values(tokens).reduce((sum, count) => sum + (count ?? 0), 0);
}
