-- By which rules a store's variants are mapped without a person; no row: by none.
CREATE TABLE shopify_mapping_rules (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    shop_id BIGINT NOT NULL REFERENCES shopify_shops (id),
    sku BOOLEAN NOT NULL,
    barcode BOOLEAN NOT NULL,
    prefix TEXT,
    CONSTRAINT shopify_mapping_rules_shop UNIQUE (shop_id)
);
-- Barcodes as they are compared, and what a person is to decide about a variant.
ALTER TABLE products ADD COLUMN barcode_normal TEXT;
ALTER TABLE shopify_variants ADD COLUMN barcode_normal TEXT;
ALTER TABLE shopify_variants ADD COLUMN question TEXT CHECK (question IN ('sku', 'barcode', 'prefix', 'changed', 'deleted'));
UPDATE products SET barcode_normal = lower(trim(barcode)) WHERE trim(barcode) <> '';
UPDATE shopify_variants SET barcode_normal = lower(trim(barcode)) WHERE trim(barcode) <> '';
CREATE INDEX products_barcode_normal ON products (barcode_normal);
CREATE INDEX shopify_variants_barcode ON shopify_variants (shop_id, barcode_normal) WHERE deleted_at IS NULL;
CREATE INDEX shopify_variants_question ON shopify_variants (shop_id, product_title, id) WHERE question IS NOT NULL;
