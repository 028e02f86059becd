export * from './event-message.js';
