// What an organization may not do at the moment. Nothing is shown where it may do everything.
import { Badge } from '@mantine/core';
import { useWords } from '../messages/language.ts';

interface Restriction {
  readonly organization: {
    readonly enforcement: 'active' | 'stopped';
    readonly overdueStage: 'none' | 'limited' | 'stopped';
  };
}

export function Restriction({ organization: { enforcement, overdueStage } }: Restriction) {
  const t = useWords();
  if (enforcement === 'stopped') return <Badge color="red">{t('customers.stoppedByUs')}</Badge>;
  if (overdueStage === 'none') return null;
  return (
    <Badge variant="light" color={overdueStage === 'stopped' ? 'red' : 'yellow'}>
      {t(`customers.overdue.${overdueStage}`)}
    </Badge>
  );
}
