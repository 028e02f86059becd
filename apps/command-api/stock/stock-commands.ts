import type { StockCommand, StockEvent, StockState } from '#domain';
import { AggregateCommands } from '../commands/aggregate-commands.js';

/** Commands to the stock of a SKU, and its state. */
export class StockCommands extends AggregateCommands<StockState, StockCommand, StockEvent> {}
