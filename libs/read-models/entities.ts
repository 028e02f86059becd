import { CustomerOrderRow } from './customers/customer-order.entity.js';
import { CustomerSpendRow } from './customers/customer-spend.entity.js';
import { CustomerRow } from './customers/customer.entity.js';
import { FulfilmentRow } from './fulfilments/fulfilment.entity.js';
import { OrderHistoryRow } from './orders/order-history.entity.js';
import { OrderLineRow } from './orders/order-line.entity.js';
import { OrderRow } from './orders/order.entity.js';
import { OverviewHourRow } from './overview/overview-hour.entity.js';
import { OverviewOrderRow } from './overview/overview-order.entity.js';
import { ProductOrderRow } from './products/product-order.entity.js';
import { ProductSalesRow } from './products/product-sales.entity.js';
import { ProductRow } from './products/product.entity.js';
import { ProjectionPositionRow } from './progress/projection-position.entity.js';
import { StockLevelRow } from './stock/stock-level.entity.js';

/** Every entity of the read side, for a DataSource. The tables themselves are made by the migrations. */
export const READ_MODEL_ENTITIES = [
  ProjectionPositionRow,
  OrderRow,
  OrderLineRow,
  OrderHistoryRow,
  StockLevelRow,
  CustomerRow,
  CustomerSpendRow,
  CustomerOrderRow,
  ProductRow,
  ProductSalesRow,
  ProductOrderRow,
  OverviewHourRow,
  OverviewOrderRow,
  FulfilmentRow,
];
