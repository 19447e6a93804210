// Who somebody of us is, by his name.
import { useQuery } from '@tanstack/react-query';
import { useMe } from '../api/questions.ts';
import { staffQuery } from '../api/staff-questions.ts';
import { useWords } from '../messages/language.ts';

/** Of an actor, as the API has it: `person:<id>`, or the id alone. */
export function useNames(): (actor: string) => string {
  const t = useWords();
  const me = useMe();
  const { data } = useQuery(staffQuery);
  return (actor) => {
    const id = actor.replace(/^person:/, '');
    if (id === me.id) return t('staff.you');
    return data?.data.find(({ personId }) => personId === id)?.name ?? (id === actor ? actor : t('staff.somebody'));
  };
}
