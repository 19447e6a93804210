// The members of an organization: as what, since when, and how much of their caps they have used.
import { Badge, Table } from '@mantine/core';
import type { Member, MemberCap } from '../api/organization-questions.ts';
import { useWords } from '../messages/language.ts';
import { MemberChange } from './member-change.tsx';
import { MemberEnd } from './member-end.tsx';
import { Moment } from './moment.tsx';
import { Money } from './money.tsx';
import { WideTable } from './wide-table.tsx';

interface MemberTable {
  readonly orgId: string;
  readonly isOwner: boolean;
  readonly members: readonly Member[];
  readonly caps: readonly MemberCap[];
}

export function MemberTable({ orgId, isOwner, members, caps }: MemberTable) {
  const t = useWords();
  const owners = members.filter(({ role, status }) => role === 'owner' && status === 'active');
  return (
    <WideTable label={t('team.members')} minWidth={680}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{t('keys.name')}</Table.Th>
          <Table.Th>{t('team.role')}</Table.Th>
          <Table.Th>{t('team.caps')}</Table.Th>
          <Table.Th>{t('team.since')}</Table.Th>
          {isOwner ? (
            <Table.Th>
              <span className="only-heard">{t('keys.actions')}</span>
            </Table.Th>
          ) : null}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {members.map((member) => (
          <Table.Tr key={member.personId} data-off={member.status !== 'active'}>
            <Table.Td className="key-name">
              {member.name} <Standing member={member} />
              <div className="quiet member-mail">{member.email}</div>
            </Table.Td>
            <Table.Td>{t(`join.role.${member.role}`)}</Table.Td>
            <Table.Td>
              <Caps caps={caps.filter(({ personId }) => personId === member.personId)} />
            </Table.Td>
            <Table.Td>
              <Moment at={member.createdAt} />
            </Table.Td>
            {isOwner ? (
              <Table.Td className="row-actions">
                <MemberChange orgId={orgId} member={member} isLastOwner={isOnly(owners, member)} />
                <MemberEnd orgId={orgId} member={member} isLastOwner={isOnly(owners, member)} />
              </Table.Td>
            ) : null}
          </Table.Tr>
        ))}
      </Table.Tbody>
    </WideTable>
  );
}

function isOnly(owners: readonly Member[], { personId }: Member): boolean {
  return owners.length === 1 && owners[0]?.personId === personId;
}

function Standing({ member: { status, awaitsSeat } }: { readonly member: Member }) {
  const t = useWords();
  if (status === 'active') return null;
  return <Badge color="gray">{awaitsSeat ? t('team.awaitsSeat') : t('team.suspended')}</Badge>;
}

function Caps({ caps }: { readonly caps: readonly MemberCap[] }) {
  const t = useWords();
  if (caps.length === 0) return <span className="quiet">{t('keys.unbounded')}</span>;
  return (
    <ul className="bounds">
      {caps.map(({ period, usedNano, amountNano }) => (
        <li key={period}>
          <Money nano={usedNano} /> {t('team.of')} <Money nano={amountNano} /> {t(`keys.per.${period}`)}
        </li>
      ))}
    </ul>
  );
}
