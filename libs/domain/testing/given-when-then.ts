import { DomainError } from '../domain-error.js';
import { type Decider, type DomainEvent, fold } from '../domain-event.js';

/** Given these events, when this command comes: the events it leads to, or the code of the refusal. Belongs to no test framework. */
export function given<State, Command, Event extends DomainEvent>(decider: Decider<State, Command, Event>, events: readonly Event[]) {
  return {
    when(command: Command): Event[] | DomainError['code'] {
      try {
        return decider.decide(command, fold(decider, events));
      } catch (error) {
        if (error instanceof DomainError) return error.code;
        throw error;
      }
    },
  };
}

/** One step of a random history: what the command led to, and the state after it. A refusal leads to no events. */
export interface HistoryStep<State, Command, Event> {
  readonly command: Command;
  readonly before: State;
  readonly events: readonly Event[];
  readonly refusal: DomainError['code'] | undefined;
  readonly after: State;
}

/** Carries out `commands` one after the other, as a stream would see them. */
export function live<State, Command, Event extends DomainEvent>(
  decider: Decider<State, Command, Event>,
  commands: readonly Command[],
): HistoryStep<State, Command, Event>[] {
  let state = decider.initialState;
  return commands.map((command) => {
    const before = state;
    const outcome = given({ ...decider, initialState: before }, []).when(command);
    const events = typeof outcome === 'string' ? [] : outcome;
    state = fold(decider, events, before);
    return { command, before, events, refusal: typeof outcome === 'string' ? outcome : undefined, after: state };
  });
}
