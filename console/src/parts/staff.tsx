// The pages of our own people. Whoever is none of them is told no more than of pages that do not exist.
import { Outlet } from '@tanstack/react-router';
import { useMe } from '../api/questions.ts';
import { NothingHere } from '../pages/trouble.tsx';

export function Staff() {
  return useMe().staffRoles.length > 0 ? <Outlet /> : <NothingHere />;
}
