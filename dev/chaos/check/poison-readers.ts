import type { Poison } from '../history/history-record.js';
import { GROUPS, type GroupName } from '../stack/stack-watch.js';

/** What is poison for one who must make something of every event, and for the saga an event that is none of its concern. */
const NOT_OF_THE_SAGA: readonly string[] = ['unknown-type', 'big'];

/** The groups that read the topic of a poison and cannot take it: each of them must set it aside. */
export function readersOf({ topic, what }: Pick<Poison, 'topic' | 'what'>): GroupName[] {
  return (Object.keys(GROUPS) as GroupName[]).filter((group) => {
    const topics: readonly string[] = GROUPS[group];
    return topics.includes(topic) && !(group === 'orchestrator' && NOT_OF_THE_SAGA.includes(what));
  });
}
