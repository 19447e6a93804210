// Address ranges as PostgreSQL keeps them.

/** Of a parameter that is text[] or null. 10.1.2.3/8 is taken as 10.0.0.0/8; the type cidr would refuse it. */
export function networks(parameter: string): string {
  return `case when ${parameter}::text[] is not null then array(select network(a::inet)::cidr from unnest(${parameter}::text[]) a) end`;
}
