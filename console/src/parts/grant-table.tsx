// Credit by where it came from, in the order in which it is spent, with what is left of it and until when; and beneath, how that adds up to what can be spent.
import { Table } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { Answer } from '../api/answers.ts';
import { balanceQuery, type Grant } from '../api/questions.ts';
import { useWords } from '../messages/language.ts';
import { BuyCredit } from './buy-credit.tsx';
import { Moment } from './moment.tsx';
import { Money } from './money.tsx';
import { NothingYet } from './nothing-yet.tsx';
import { WideTable } from './wide-table.tsx';

export function GrantTable({ orgId, grants }: { readonly orgId: string; readonly grants: readonly Grant[] }) {
  const t = useWords();
  const live = grants.filter(({ expired, availableNano }) => !expired && BigInt(availableNano) > 0n).sort(inOrderOfUse);
  const balance = useQuery(balanceQuery(orgId)).data;
  if (live.length === 0 && BigInt(balance?.balanceNano ?? 0) <= 0n) {
    const isNew = grants.length === 0;
    return (
      <NothingYet title={isNew ? t('grants.neverAny') : t('grants.none')} action={<BuyCredit orgId={orgId} />}>
        {isNew ? t('grants.neverAnyMore') : t('grants.noneMore')}
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
      {balance === undefined ? null : <Sum live={live} balance={balance} />}
    </WideTable>
  );
}

interface Sum {
  readonly live: readonly Grant[];
  readonly balance: Answer<'/api/v1/organizations/{id}/balance'>;
}

/** Nothing where the lines above say all of it. */
function Sum({ live, balance }: Sum) {
  const t = useWords();
  const parts = partsOf(live, balance);
  if (parts.length === 0) return null;
  return (
    <Table.Tfoot>
      {[...parts, ['all', BigInt(balance.balanceNano)] as const].map(([part, nano]) => (
        <Table.Tr key={part}>
          <Table.Td>{t(`grants.sum.${part}`)}</Table.Td>
          <Table.Td className="number">
            <Money nano={nano.toString()} />
          </Table.Td>
        </Table.Tr>
      ))}
    </Table.Tfoot>
  );
}

/** What is in the balance beside what grants have left, and what of that is not. Who has overdrawn has nothing else to spend. */
function partsOf(live: readonly Grant[], balance: Sum['balance']) {
  const left = live.reduce((sum, { availableNano }) => sum + BigInt(availableNano), 0n);
  const available = BigInt(balance.availableNano);
  const isOverdrawn = available < 0n;
  const locked = left - (isOverdrawn ? 0n : available);
  const parts = [
    ['setAside', BigInt(balance.reservedNano) + BigInt(balance.settlingNano)],
    ['locked', BigInt(balance.lockedNano) > 0n && locked > 0n ? -locked : 0n],
    ['overdrawn', isOverdrawn ? available : 0n],
  ] as const;
  return parts.filter(([, nano]) => nano !== 0n);
}

/** As the ledger draws on them: by priority, of one priority what expires first. */
function inOrderOfUse(a: Grant, b: Grant): number {
  return a.priority - b.priority || (a.expiresAt ?? '9').localeCompare(b.expiresAt ?? '9');
}
