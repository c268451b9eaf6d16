DROP INDEX shopify_product_mappings_history;
DROP INDEX shopify_product_mappings_batch;
ALTER TABLE shopify_product_mappings DROP COLUMN prefix;
ALTER TABLE shopify_product_mappings DROP COLUMN variant_sku;
UPDATE shopify_product_mappings SET origin = CASE origin WHEN 'prefix' THEN 'sku' ELSE 'person' END
    WHERE origin IN ('prefix', 'file');
ALTER TABLE shopify_product_mappings DROP CONSTRAINT shopify_product_mappings_origin_check;
ALTER TABLE shopify_product_mappings ADD CONSTRAINT shopify_product_mappings_origin_check
    CHECK (origin IN ('sku', 'barcode', 'title', 'person'));
