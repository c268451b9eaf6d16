DROP INDEX shopify_variants_inventory_item;
DROP TABLE shopify_inventory_checks;
DROP TABLE shopify_inventory_calls;
DROP TABLE shopify_inventory_levels;
DROP TABLE shopify_inventory_marks;
ALTER TABLE shopify_locations DROP COLUMN stock_master;
DROP TABLE shopify_inventory_settings;
