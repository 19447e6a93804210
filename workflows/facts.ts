// Facts of a case as people read them in Temporal's UI and on its command line: a list of markdown, since the UI leaves no room between the columns
// of a table.

export type Fact = readonly [name: string, value: string];

export function factList(facts: readonly Fact[]): string {
  return facts.map(([name, value]) => `- ${name}: ${value}`).join('\n');
}

/** A customer's name is no markdown of ours: it makes no link. */
export function verbatim(name: string): string {
  return `\`${name.replaceAll('`', "'")}\``;
}

/** Of ISO 8601: "2027-02-18 00:00:53 UTC". */
export function inUtc(moment: string): string {
  return moment.replace(/^(.{10})T(.{8})(\.\d+)?Z$/, '$1 $2 UTC');
}

export function customerFact(orgName: string | undefined): Fact[] {
  return orgName === undefined ? [] : [['customer', verbatim(orgName)]];
}

export function looksAgainFact(wakeAt: string | null): Fact {
  return ['looks again', wakeAt === null ? 'when there is news' : inUtc(wakeAt)];
}
