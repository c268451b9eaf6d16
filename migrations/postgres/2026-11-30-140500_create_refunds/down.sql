ALTER TABLE shopify_shops DROP COLUMN restock_returns;
ALTER TABLE order_lines DROP COLUMN returned_quantity;
ALTER TABLE order_lines DROP COLUMN refunded_quantity;
DROP TABLE refund_transactions;
DROP TABLE refund_charges;
DROP TABLE refund_lines;
DROP TABLE refunds;
