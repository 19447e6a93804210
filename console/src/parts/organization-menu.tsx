// In which organization somebody is at work, and how he gets to another one of his.
import { Button, Menu } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useMe } from '../api/questions.ts';
import { useWords } from '../messages/language.ts';
import { CheckIcon, ChevronIcon } from './icons.tsx';
import { useOrganizationHere } from './organization-here.ts';

export function OrganizationMenu() {
  const t = useWords();
  const navigate = useNavigate();
  const me = useMe();
  const orgId = useOrganizationHere();
  const active = me.memberships.filter(({ status }) => status === 'active');
  const here = active.find((membership) => membership.orgId === orgId);
  if (here === undefined) return <span className="org-name" />;
  if (active.length === 1) return <span className="org-name">{here.orgName}</span>;
  return (
    <Menu position="bottom-start" withinPortal={false} withInitialFocusPlaceholder={false}>
      <Menu.Target>
        <Button variant="subtle" color="gray" className="org-name" rightSection={<ChevronIcon />}>
          <span className="only-heard">{t('shell.organization')} </span>
          {here.orgName}
        </Button>
      </Menu.Target>
      <Menu.Dropdown className="org-list">
        {active.map((membership) => (
          <Menu.Item
            key={membership.orgId}
            leftSection={membership.orgId === orgId ? <CheckIcon /> : <span className="no-check" />}
            onClick={() => void navigate({ to: '/o/$orgId', params: { orgId: membership.orgId } })}
          >
            {membership.orgName}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
