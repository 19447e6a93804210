// Which models a key can be bound to, and which of those that somebody has entered are none: named at the field, before it is sent.
import { useQuery } from '@tanstack/react-query';
import { modelsQuery, type OfferedModel } from '../api/organization-questions.ts';
import { unknownModels } from '../key-bounds.ts';
import { useWords } from '../messages/language.ts';

export interface OfferedModels {
  /** Undefined: not known yet. */
  readonly offered: readonly OfferedModel[] | undefined;
  /** As a form has its problems. */
  unknownIn(entered: string): { readonly allowedModels?: string };
}

export function useOfferedModels(orgId: string): OfferedModels {
  const t = useWords();
  const offered = useQuery(modelsQuery(orgId)).data?.data;
  return {
    offered,
    unknownIn(entered) {
      const unknown = unknownModels(entered, offered);
      return unknown.length === 0 ? {} : { allowedModels: t('fields.allowedModels', { names: unknown.join(', ') }) };
    },
  };
}
