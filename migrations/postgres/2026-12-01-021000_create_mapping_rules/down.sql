DROP INDEX shopify_variants_question;
DROP INDEX shopify_variants_barcode;
DROP INDEX products_barcode_normal;
ALTER TABLE shopify_variants DROP COLUMN question;
ALTER TABLE shopify_variants DROP COLUMN barcode_normal;
ALTER TABLE products DROP COLUMN barcode_normal;
DROP TABLE shopify_mapping_rules;
