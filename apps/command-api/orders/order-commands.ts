import type { OrderCommand, OrderEvent, OrderState } from '#domain';
import { AggregateCommands } from '../commands/aggregate-commands.js';

/** Commands to orders, and their state. */
export class OrderCommands extends AggregateCommands<OrderState, OrderCommand, OrderEvent> {}
