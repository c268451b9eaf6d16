ALTER TABLE shopify_shops DROP COLUMN served_version;
ALTER TABLE shopify_shops DROP COLUMN tier;
