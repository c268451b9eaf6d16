DELETE FROM sqlite_stat1 WHERE tbl = 'shopify_variants';
DROP TABLE shopify_variant_terms;
DROP TABLE product_terms;
DROP INDEX holds_latest;
DROP INDEX shopify_variants_sold;
DROP INDEX shopify_variants_state;
DROP INDEX shopify_variants_list;
CREATE INDEX shopify_variants_title ON shopify_variants (shop_id, product_title, id) WHERE deleted_at IS NULL;
ALTER TABLE shopify_variants DROP COLUMN state;
