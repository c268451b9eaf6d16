ALTER TABLE shopify_product_mappings DROP CONSTRAINT shopify_product_mappings_origin_check;
ALTER TABLE shopify_product_mappings ADD CONSTRAINT shopify_product_mappings_origin_check
    CHECK (origin IN ('sku', 'barcode', 'title', 'prefix', 'file', 'person'));
-- The variant's SKU, as SKUs are compared, when somebody last said that the mapping holds.
ALTER TABLE shopify_product_mappings ADD COLUMN variant_sku TEXT;
-- What was taken off the SKU before it was compared.
ALTER TABLE shopify_product_mappings ADD COLUMN prefix TEXT;
UPDATE shopify_product_mappings SET variant_sku = v.sku_normal
    FROM shopify_variants v WHERE v.id = shopify_product_mappings.variant_id;
CREATE INDEX shopify_product_mappings_batch ON shopify_product_mappings (batch) WHERE removed_at IS NULL;
CREATE INDEX shopify_product_mappings_history ON shopify_product_mappings (variant_id, id);
