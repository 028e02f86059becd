export * from './domain-error.js';
export * from './domain-event.js';
export * from './personal-data.js';
export * from './stream-id.js';
export * from './order/order.events.js';
export * from './stock/stock.events.js';
export * from './payment/payment.events.js';
export * from './fulfilment/fulfilment.events.js';
