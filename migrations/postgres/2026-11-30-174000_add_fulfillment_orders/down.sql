ALTER TABLE shopify_shops DROP COLUMN tell_holds;
ALTER TABLE shopify_shops DROP COLUMN check_orders;
DROP TABLE shopify_fulfillment_order_lines;
DROP TABLE shopify_fulfillment_orders;
ALTER TABLE order_lines DROP COLUMN others_quantity;
DROP TABLE line_places;
DROP TABLE order_checks;
