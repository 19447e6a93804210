// Who works for us. An admin gives and takes roles, and another one approves it.
import { Button, Table } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { type StaffMember, staffQuery, useMay } from '../api/staff-questions.ts';
import { useWords } from '../messages/language.ts';
import { Asked } from '../parts/asked.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { PageHeading } from '../parts/page-heading.tsx';
import { StaffRolesForm } from '../parts/staff-roles-form.tsx';
import { WideTable } from '../parts/wide-table.tsx';

export function StaffPeople() {
  const t = useWords();
  const may = useMay();
  const question = useQuery(staffQuery);
  const [about, setAbout] = useState<StaffMember | 'somebody' | null>(null);
  const close = () => setAbout(null);
  return (
    <>
      <PageHeading
        title={t('people.title')}
        lead={t('people.lead')}
        actions={
          may('staff.change') ? <Button onClick={() => setAbout('somebody')}>{t('people.give')}</Button> : undefined
        }
      />
      <div className="part">
        <Asked question={question} height={120}>
          {({ data }) => <PeopleTable people={data} change={may('staff.change') ? setAbout : null} />}
        </Asked>
      </div>
      <Dialog
        opened={about !== null}
        close={close}
        title={about === null || about === 'somebody' ? t('people.give') : t('people.change.one', { name: about.name })}
      >
        {about === null ? null : <StaffRolesForm about={about === 'somebody' ? null : about} close={close} />}
      </Dialog>
    </>
  );
}

interface PeopleTable {
  readonly people: readonly StaffMember[];
  /** Null: he may not. */
  readonly change: ((about: StaffMember) => void) | null;
}

function PeopleTable({ people, change }: PeopleTable) {
  const t = useWords();
  return (
    <WideTable label={t('people.title')} minWidth={520}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{t('keys.name')}</Table.Th>
          <Table.Th>{t('people.roles')}</Table.Th>
          <Table.Th>
            <span className="only-heard">{t('keys.actions')}</span>
          </Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {people.map((person) => (
          <Table.Tr key={person.personId}>
            <Table.Td className="key-name">
              {person.name}
              <div className="quiet member-mail">{person.email}</div>
            </Table.Td>
            <Table.Td>{person.staffRoles.map((role) => t(`people.role.${role}`)).join(', ')}</Table.Td>
            <Table.Td className="row-actions">
              {change === null ? null : (
                <Button
                  variant="subtle"
                  size="xs"
                  aria-label={t('people.change.one', { name: person.name })}
                  onClick={() => change(person)}
                >
                  {t('people.change.verb')}
                </Button>
              )}
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </WideTable>
  );
}
